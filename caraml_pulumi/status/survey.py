"""Takes the state of the models of a stack: reads the stack's state, then looks into its clusters."""

from collections.abc import Iterable, Mapping
from typing import Any

from caraml_pulumi.status.cluster import look
from caraml_pulumi.status.clusters import connected
from caraml_pulumi.status.deployed import read_deployed
from caraml_pulumi.status.derive import report
from caraml_pulumi.status.report import Report
from caraml_pulumi.status.selection import EVERYTHING, Selection
from caraml_pulumi.status.state import current_state


def survey(
    document: Mapping[str, Any], journal: Iterable[dict[str, Any]] = (), selection: Selection = EVERYTHING
) -> Report:
    """How the models of a stack are, of which there is the checkpoint `document` and the journal since.

    Raises `CaramlError` where nothing is selected, where a cluster cannot be reached, or does not let us look.
    """
    state = current_state(document, journal)
    deployed = selection.models(read_deployed(state))
    with connected(document, state, deployed.objects) as clients:
        return selection.shown(report(deployed, look(clients, deployed.objects)))
