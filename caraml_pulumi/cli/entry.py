"""Where the ``caraml`` command begins: a Ctrl-C while it loads ends it as quietly as one later."""

import sys


def main() -> None:
    """Load the command line, run it, and exit."""
    try:
        from caraml_pulumi.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)  # as `errors.INTERRUPTED`, which may not be loaded yet
    run()
