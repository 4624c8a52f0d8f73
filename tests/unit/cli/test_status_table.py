"""The table of `caraml status` at several widths."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.cli.status_table import status_table
from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.states import Phase, VersionState, WorkloadState
from caraml_pulumi.status.deployed import DeployedEndpoint, DeployedVersion
from caraml_pulumi.status.report import EndpointReport, Report, VersionReport

REASON = "group resource not enough: Group iris-team exceeded cpu quota: 4, requesting 6; 1 of 3 replicas updated"
HOST = "iris-team.models.example.com"
SERVING = VersionState(
    VersionStatus.SERVING,
    Phase.FAILED,
    REASON,
    (
        WorkloadState("predictor", 1, 3, 2, answers=True, complete=False),
        WorkloadState("transformer", 1, 1, 0, answers=True, complete=True),
    ),
    weight=100,
)


def version(number: int = 1, state: VersionState = SERVING) -> VersionReport:
    url = f"http://iris-{number}.{HOST}/v1/models/iris-{number}:predict"
    found = DeployedVersion("iris", number, "iris-team", "dev", f"iris-{number}", url, False, ())
    return VersionReport(found, state)


ENDPOINT = EndpointReport(
    DeployedEndpoint("iris", "iris-team", "dev", f"http://iris.{HOST}/v1/predict", {1: 100}, ()),
    VersionStatus.SERVING,
    "",
    {1: 100},
)
STOPPED = replace(SERVING, status=VersionStatus.TERMINATED, phase=Phase.STOPPED, reason="", workloads=(), weight=None)
REPORT = Report([ENDPOINT], [version(), version(2, STOPPED)])


def lines(width: int) -> list[str]:
    return [line.rstrip() for line in status_table(REPORT, width).plain.splitlines()]


def test_a_wide_terminal_has_everything_in_columns_and_the_reason_below_its_row() -> None:
    assert lines(160) == [
        "MODEL           VERSION   STATUS      PHASE    REPLICAS   WEIGHT  RESTARTS  URL",
        f"iris-team/iris  endpoint  serving                                           http://iris.{HOST}/v1/predict",
        f"                1         serving     Failed   1/3 + 1/1  100%    2         http://iris-1.{HOST}/v1/models/iris-1:predict",
        f"                  {REASON}",
        f"                2         terminated  Stopped                     0         http://iris-2.{HOST}/v1/models/iris-2:predict",
    ]


def test_on_a_narrower_one_urls_stand_below_and_reasons_wrap() -> None:
    found = lines(80)
    assert found[0] == "MODEL           VERSION   STATUS      PHASE    REPLICAS   WEIGHT  RESTARTS"
    assert found[4:7] == [
        "                  group resource not enough: Group iris-team exceeded cpu quota:",
        "                  4, requesting 6; 1 of 3 replicas updated",
        f"                  http://iris-1.{HOST}/v1/models/iris-1:predict",
    ]


def test_on_a_very_narrow_one_models_stand_above_their_rows() -> None:
    assert lines(50)[:3] == [
        "VERSION   STATUS      PHASE    REPLICAS   WEIGHT  RESTARTS",
        "iris-team/iris",
        "endpoint  serving",
    ]


@given(st.integers(1, 250))
def test_no_word_of_a_reason_is_ever_cut(width: int) -> None:
    shown = " ".join(status_table(REPORT, width).plain.split())
    assert REASON in shown


@given(st.integers(60, 250))
def test_no_line_but_an_url_is_wider_than_the_terminal(width: int) -> None:
    assert all(len(line) <= width for line in lines(width) if "http" not in line)
