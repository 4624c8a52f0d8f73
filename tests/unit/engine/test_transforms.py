"""Transforms of resources and of calls, in whole programs on the embedded engine."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.output_values import dependencies_in, with_outputs
from caraml_pulumi.engine.values import OUTPUT_SIGNATURE, SIGNATURE_KEY, UNKNOWN, Secret, same
from tests.unit.engine.memory import Stack


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path)


def resource(stack: Stack, name: str) -> dict[str, Any]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources: list[dict[str, Any]] = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
    return next(item for item in resources if item["urn"].endswith(f"::{name}"))


NAMED = """
def named(name):
    def transform(args):
        if args.type_ == "memory:index:Thing":
            return pulumi.ResourceTransformResult({**args.props, "value": args.props["value"] + name}, args.opts)
    return transform

"""


def test_a_resource_goes_through_its_own_transforms_then_its_parents_and_then_the_stacks(stack: Stack) -> None:
    stack.program(
        NAMED
        + """
pulumi.runtime.register_resource_transform(named(" stack"))
outer = Group("outer", opts=Options(transforms=[named(" outer")]))
inner = Group("inner", opts=Options(parent=outer, transforms=[named(" inner")]))
Thing("a", "value", opts=Options(parent=inner, transforms=[named(" first"), named(" second")]))
Thing("b", "value")
"""
    )
    assert stack.preview().changes == {"create": 5}
    stack.must_up()
    assert resource(stack, "a")["inputs"]["value"] == "value first second inner outer stack"
    assert resource(stack, "b")["inputs"]["value"] == "value stack"
    assert stack.preview().changes == {"same": 5}


def test_a_transform_may_set_every_option(stack: Stack) -> None:
    stack.program(
        """
        def options(args):
            if args.name == "a":
                return pulumi.ResourceTransformResult(args.props, Options.merge(args.opts, Options(
                    protect=True, depends_on=[b], ignore_changes=["value"], retain_on_delete=True,
                    additional_secret_outputs=["size"], delete_before_replace=True,
                    custom_timeouts=pulumi.CustomTimeouts(create="5m"))))

        pulumi.runtime.register_resource_transform(options)
        b = Thing("b")
        Thing("a", "one", "two")
        """
    ).must_up()
    state = resource(stack, "a")
    assert (state["protect"], state["retainOnDelete"], state["customTimeouts"]) == (True, True, {"create": 300})
    assert state["dependencies"] == [resource(stack, "b")["urn"]]
    assert state["additionalSecretOutputs"] == ["size"]
    program = stack.directory / "program/__main__.py"
    program.write_text(program.read_text().replace('"one"', '"changed"'))
    assert stack.preview().changes == {"same": 3}


def test_what_a_transform_leaves_alone_stays_as_it_was(stack: Stack) -> None:
    program = """
        b = Thing("b", "x")
        Thing("a", pulumi.Output.secret("hidden"), b.id, opts=Options(protect=True, aliases=[pulumi.Alias(name="old")]))
        """
    stack.program(program).must_up()
    plain = resource(stack, "a")
    stack.program("pulumi.runtime.register_resource_transform(lambda args: None)\n" + _dedent(program))
    assert stack.preview().changes == {"same": 3}
    stack.must_up()
    assert resource(stack, "a") == plain


def _dedent(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


EVERY_OPTION = """
there = pulumi.ProviderResource("memory", "there", {"place": "there"})
hook = pulumi.ResourceHook("note", lambda args: None)
b = Thing("b", "x")
Thing("a", "one", opts=Options(
    protect=True, depends_on=[b], ignore_changes=["value"], retain_on_delete=True, additional_secret_outputs=["size"],
    delete_before_replace=True, custom_timeouts=pulumi.CustomTimeouts(create="5m", delete="1m"), deleted_with=b,
    replace_on_changes=["fixed"], aliases=[pulumi.Alias(name="old")], provider=there,
    hooks=pulumi.ResourceHookBinding(before_create=[hook], after_delete=[hook])))
"""


def test_every_option_passes_through_a_transform_that_returns_what_it_got(stack: Stack) -> None:
    def state_after(program: str) -> dict[str, Any]:
        stack.program(program).must_up()
        return resource(stack, "a")

    same = "same = lambda args: pulumi.ResourceTransformResult(args.props, args.opts)"
    plain = state_after(EVERY_OPTION)
    assert len({"protect", "retainOnDelete", "deletedWith", "customTimeouts", "resourceHooks"} & plain.keys()) == 5
    through = state_after(f"{same}\npulumi.runtime.register_resource_transform(same)\n{EVERY_OPTION}")
    assert through == plain
    assert stack.preview().changes == {"same": 4}


def test_secrets_and_unknowns_reach_a_transform_as_outputs_and_stay_what_they_are(stack: Stack) -> None:
    stack.program(
        """
        def shout(args):
            if args.name == "a":
                value = pulumi.Output.from_input(args.props["value"]).apply(str.upper)
                return pulumi.ResourceTransformResult({**args.props, "value": value}, args.opts)

        pulumi.runtime.register_resource_transform(shout)
        b = Thing("b", "x")
        Thing("a", pulumi.Output.secret("hidden"), b.id)
        """
    )
    assert stack.preview().error is None
    stack.must_up()
    (made,) = [item for item in stack.store.things.values() if item.get("fixed")]
    assert made["value"] == Secret("HIDDEN")
    assert resource(stack, "a")["propertyDependencies"]["fixed"] == [resource(stack, "b")["urn"]]


def test_an_exception_in_a_transform_ends_the_update_with_its_message_and_line(stack: Stack) -> None:
    stack.program(
        """
        def refuse(args):
            raise ValueError("no team is named in " + str(args.name))

        Thing("a", opts=Options(transforms=[refuse]))
        """
    )
    for outcome in (stack.preview(), stack.up()):
        message = str(outcome.error)
        assert message.startswith("a transform of memory:index:Thing 'a' failed: no team is named in a\n")
        assert "__main__.py:23" in message
    assert stack.store.calls == []


def test_a_secret_in_the_exception_of_a_transform_is_masked(stack: Stack) -> None:
    stack.program(
        """
        async def refuse(args):
            raise ValueError("bad: " + await args.props["value"].future(with_unknowns=True))

        Thing("a", pulumi.Output.secret("hunter2!"), opts=Options(transforms=[refuse]))
        """
    )
    assert "failed: bad: [secret]" in str(stack.up().error)


def test_calls_of_functions_go_through_the_transforms_of_calls(stack: Stack) -> None:
    stack.program(
        """
        def other(args):
            return pulumi.InvokeTransformResult({"urn": "urn:pulumi:dev::things::changed::by-a-transform"}, args.opts)

        pulumi.runtime.register_invoke_transform(other)
        pulumi.runtime.invoke("memory:index:find", {"urn": "original"})
        """
    )
    assert "memory:index:find" in str(stack.up().error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5) | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
        | st.builds(Secret, inner)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON, max_size=3))
def test_properties_with_output_values_are_the_same_properties(properties: dict[str, Any]) -> None:
    struct = wire.encode(properties, secrets=True, unknowns=True)
    upgraded = with_outputs(struct, {key: ["urn:x"] for key in properties})
    assert same(wire.decode(upgraded), wire.decode(struct))
    assert all(list(dependencies_in(value)) == ["urn:x"] for value in upgraded.fields.values())
    assert with_outputs(upgraded) == upgraded


def test_an_unknown_becomes_an_output_without_a_value() -> None:
    struct = Struct()
    struct.update({"a": ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]})
    (output,) = with_outputs(struct).fields["a"].list_value.values
    assert dict(output.struct_value.items()) == {SIGNATURE_KEY: OUTPUT_SIGNATURE}
