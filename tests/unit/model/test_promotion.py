from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import promotion
from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.states import Phase

DIGEST = f"sha256:{'a' * 64}"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(st.sampled_from(VersionStatus), st.sampled_from(Phase))
def test_a_version_is_proven_if_it_answers_and_nothing_of_it_is_under_way(status: VersionStatus, phase: Phase) -> None:
    answers = status in (VersionStatus.RUNNING, VersionStatus.SERVING)
    assert promotion.is_proven(status.value, phase.value) is (answers and phase is Phase.DEPLOYED)


@pytest.mark.parametrize(
    ("reference", "digest"),
    [(f"ghcr.io/team/iris:1@{DIGEST}", DIGEST), ("ghcr.io/team/iris:1", ""), ("iris@sha256:abc", ""), ("", "")],
)
def test_a_reference_that_names_no_digest_has_none(reference: str, digest: str) -> None:
    assert promotion.digest_of(reference) == digest


def test_the_digest_counts_whatever_the_registry() -> None:
    promotion.digest_deployed_before(f"a.io/iris@{DIGEST}", [DIGEST], environment="staging", how="deploy it")
    with pytest.raises(CaramlError, match="was not deployed and healthy in staging") as raised:
        promotion.digest_deployed_before(f"a.io/iris@{DIGEST}", [], environment="staging", how="deploy it")
    assert (raised.value.allowed, raised.value.fix) == ("no digest: no version there was", "deploy it")


@pytest.mark.parametrize(
    ("age", "max_age", "message"),
    [
        (timedelta(hours=2), 0, ""),
        (timedelta(hours=2), 3, ""),
        (timedelta(hours=2), 1, "2.0 hours ago"),
        (-timedelta(minutes=1), 1, ""),
        (-timedelta(hours=1), 0, "in the future"),
    ],
)
def test_evidence_is_neither_too_old_nor_of_the_future(age: timedelta, max_age: float, message: str) -> None:
    if not message:
        promotion.evidence_is_fresh(NOW - age, NOW, max_age)
    else:
        with pytest.raises(CaramlError, match=message):
            promotion.evidence_is_fresh(NOW - age, NOW, max_age)
