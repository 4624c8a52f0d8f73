"""The test suites that come with the pack, run as their users run them."""

from pathlib import Path

from caraml_pulumi.cli.policy import app
from tests.unit.cli.stacks import Place

REPOSITORY = Path(__file__).parents[3]


def test_the_suite_of_production_passes_on_its_profile_and_fails_on_that_of_development() -> None:
    suites = str(REPOSITORY / "policies/tests")
    exit_codes = {
        profile: Place(REPOSITORY)
        .run(app, "test", suites, "--policy-pack-config", str(REPOSITORY / f"policies/profiles/{profile}.json"))
        .exit_code
        for profile in ("prod", "dev")
    }
    assert exit_codes == {"prod": 0, "dev": 1}
