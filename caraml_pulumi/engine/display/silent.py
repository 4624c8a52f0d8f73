"""The display of ``--json``: nothing while the operation runs; the caller prints `document` at the end."""

from caraml_pulumi.engine.display.view import Display


class Silent(Display):
    """Only gathers the events."""

    def stop(self, *, begun: bool) -> None:
        """Print nothing."""
