import sys

import pytest

from caraml_pulumi.cli.entry import main
from caraml_pulumi.errors import INTERRUPTED


class _CtrlC:
    """Finds the command line while Ctrl-C is pressed."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "caraml_pulumi.cli.main":
            raise KeyboardInterrupt


def test_a_ctrl_c_while_the_command_loads_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "caraml_pulumi.cli.main", raising=False)
    monkeypatch.delattr("caraml_pulumi.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_CtrlC, *sys.meta_path])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == INTERRUPTED
