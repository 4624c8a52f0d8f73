"""`caraml releases` on the state of a project's stacks."""

from caraml_pulumi.cli.releases import app
from caraml_pulumi.engine.state.snapshot import Snapshot
from tests.unit.cli.stacks import Place
from tests.unit.engine.state.builders import stack
from tests.unit.promotion.releases import release, version
from tests.unit.promotion.test_overview import PROMOTED, state


def deployed(place: Place) -> Place:
    for name, made in (("dev", release(version(2))), ("staging", PROMOTED)):
        place.deploy(Snapshot(resources=[stack(), *state(name, made)[1].resources]), name)
    return place


def test_a_line_for_each_version_tells_its_digests_and_the_update_it_was_promoted_from(place: Place) -> None:
    header, dev, stopped, staging = deployed(place).run(app, "iris").stdout.splitlines()
    assert header.split()[:5] == ["MODEL", "STACK", "VERSION", "REQUESTS", "IMAGE"]
    assert dev.split() == ["iris-team/iris", "dev", "2", "-", "tag", "2", "-", "-", "-"]
    assert stopped.split()[2:4] == ["1", "stopped"]
    assert staging.split()[2:10] == ["2", "100", "%", "a" * 12, "b" * 12, "dev", "(update", "12)"]


def test_a_model_that_is_nowhere_is_refused_with_those_that_are(place: Place) -> None:
    ran = deployed(place).run(app, "iriss")
    assert ran.error is not None
    assert ran.error.allowed == "iris-team/iris"


def test_a_project_without_releases_says_so_and_prints_an_empty_list_as_json(place: Place) -> None:
    ran = place.run(app)
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "no stack of shop has deployed a release" in ran.stderr
    assert place.run(app, "--json").json == []
