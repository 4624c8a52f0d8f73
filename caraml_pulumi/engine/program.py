"""Runs a Pulumi Python program in this process."""

import asyncio
import contextvars
import gc
import os
import re
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Final

from pulumi.runtime.proto import source_pb2

from caraml_pulumi.engine.log import EngineLog
from caraml_pulumi.engine.monitor import Monitor
from caraml_pulumi.engine.output_capture import capturing
from caraml_pulumi.engine.reporter import Reporter
from caraml_pulumi.engine.run import StoppedError
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.errors import CaramlError

_UNSUPPORTED: Final = re.compile(r"The Pulumi CLI does not support (.+?)\. Please update the Pulumi CLI")
"""How the SDK refuses what `GetDeploymentInfo` does not offer; it takes us for an old CLI."""


def run_program(
    project: Project,
    stack: str,
    *,
    config: Mapping[str, str],
    secret_keys: list[str],
    monitor: Monitor,
    engine: EngineLog,
    reporter: Reporter,
    preview: bool,
    parallel: int,
) -> None:
    """Run the program of `project` to its end.

    It runs on a thread and in a context of its own, so that one process can run it several times, one after another.

    Raises:
        CaramlError: it failed: its own mistakes shortened to its own lines, ours as they were raised.
    """
    failure: list[BaseException] = []

    def work() -> None:
        try:
            _run(project, stack, config, secret_keys, monitor, engine, preview, parallel)
        except BaseException as error:  # noqa: BLE001 - a program may raise anything, SystemExit too
            failure.append(error)

    root = f"urn:pulumi:{stack}::{project.name}::pulumi:pulumi:Stack::{project.name}-{stack}"
    with (
        _in_directory(project),
        capturing(
            lambda line: reporter.diagnostic("info", line, root),
            lambda line: reporter.diagnostic("info#err", line, root),
        ) as in_program,
    ):
        context = contextvars.Context()
        context.run(in_program.set, True)
        thread = Thread(target=context.run, args=(work,), name="program")
        thread.start()
        thread.join()
    if failure and not (isinstance(failure[0], SystemExit) and failure[0].code in (None, 0)):
        raise explained(failure[0], project)


def _run(
    project: Project,
    stack: str,
    config: Mapping[str, str],
    secret_keys: list[str],
    monitor: Monitor,
    engine: EngineLog,
    preview: bool,
    parallel: int,
) -> None:
    import pulumi
    from pulumi.runtime import resource as sdk_resource
    from pulumi.runtime import settings
    from pulumi.runtime import stack as sdk_stack

    pulumi.runtime.set_all_config(dict(config), secret_keys)
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=project.name,
            stack=stack,
            monitor=monitor,
            engine=engine,
            parallel=parallel,
            dry_run=preview,
            organization="organization",
            root_directory=str(project.root),
        )
    )
    settings.set_root_resource(None)  # type: ignore[arg-type]  # a run before this one may have left its own
    loop = asyncio.new_event_loop()
    # The first failure is raised; those of outputs that depended on it are not news, and would be logged when freed.
    loop.set_exception_handler(lambda loop, context: None)
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(parallel, thread_name_prefix="register")
    loop.set_default_executor(executor)

    def program() -> None:
        with _modules_kept():
            runpy.run_path(str(project.main), run_name="__main__")

    try:
        with _lean_sdk(sdk_stack, sdk_resource):
            loop.run_until_complete(sdk_stack.run_in_stack(program))
    finally:
        # Operations under way are waited for: what they do must be recorded.
        executor.shutdown(wait=True)
        _end_tasks(loop)
        loop.close()


@contextmanager
def _modules_kept() -> Iterator[None]:
    """Keep the garbage collector from what is imported: it stays to the end, and is most of what there is.

    Going through it time and again, and once more at exit, is a third of the processor time of a short run.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


@contextmanager
def _lean_sdk(sdk_stack: ModuleType, sdk_resource: ModuleType) -> Iterator[None]:
    """Keep the SDK from work that takes more time than all the rest of a large preview.

    It re-arms its wait for the pending outputs each time one of them completes, which is quadratic; and it describes
    the whole call stack of each registration, which the embedded engine does not store.
    """

    async def wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
        manager = sdk_stack._get_rpc_manager()
        settings = sdk_stack.SETTINGS
        while manager.rpcs or (await_all_outstanding_tasks and settings.outputs):
            while manager.rpcs:
                await asyncio.sleep(0)
                await manager.rpcs.pop()
            if manager.unhandled_exception is not None:
                raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
            if not await_all_outstanding_tasks:
                break
            with settings.lock:
                pending = list(settings.outputs)
                settings.outputs.clear()
            if pending:
                done, rest = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
                with settings.lock:
                    settings.outputs.update(rest)
                for task in done:
                    await task

    replaced = [
        (vars(sdk_stack), "wait_for_rpcs", wait_for_rpcs),
        (vars(sdk_resource), "_get_stack_trace", source_pb2.StackTrace),
    ]
    originals = [names[name] for names, name, _ in replaced]
    for names, name, ours in replaced:
        names[name] = ours
    try:
        yield
    finally:
        for (names, name, _), original in zip(replaced, originals, strict=True):
            names[name] = original


@contextmanager
def _in_directory(project: Project) -> Iterator[None]:
    """The working directory, import path and modules that a program expects, and those of before again at the end."""
    directory = project.main if project.main.is_dir() else project.main.parent
    before = Path.cwd(), sys.path[:], sys.argv[:], set(sys.modules)
    if not project.main.exists():
        raise CaramlError(f"the program {project.main} does not exist", fix="set `main` in Pulumi.yaml, or write it")
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    sys.argv = [str(project.main)]
    try:
        yield
    finally:
        os.chdir(before[0])
        sys.path[:], sys.argv[:] = before[1], before[2]
        for name in set(sys.modules) - before[3]:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(directory) and "site-packages" not in file:
                del sys.modules[name]


def explained(error: BaseException, project: Project) -> CaramlError:
    """`error` of a program, for the person who wrote it."""
    found = _caraml_error(error)
    if found is not None:
        return found
    import pulumi

    if isinstance(error, pulumi.RunError):
        return CaramlError(str(error))
    if isinstance(error, SystemExit):
        return CaramlError(f"the program ended with exit code {error.code}")
    unsupported = _UNSUPPORTED.search(str(error))
    if unsupported:
        return CaramlError(
            f"the embedded engine does not do {unsupported[1]}",
            fix="leave it out, or use the Pulumi CLI: --engine pulumi",
        )
    frames = [
        f"{Path(frame.filename).relative_to(project.root)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(project.root) and "site-packages" not in frame.filename
    ]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(f"{error.filename}:{error.lineno}")
    message = str(error) or "no message"
    return CaramlError(f"the program failed: {type(error).__name__}: {message}", where=" > ".join(frames[-3:]))


def _caraml_error(error: BaseException | None) -> CaramlError | None:
    """The error of ours that `error` is, or was raised from; a real one rather than that the run was stopped."""
    stopped: CaramlError | None = None
    while error is not None:
        if isinstance(error, StoppedError):
            stopped = error
        elif isinstance(error, CaramlError):
            return error
        error = error.__cause__ or error.__context__
    return stopped
