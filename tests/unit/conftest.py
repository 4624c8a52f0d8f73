"""How unit tests are divided among the workers of a parallel run."""

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep a module on one worker: handing out thousands of small tests one by one costs more than many of them do."""
    item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(item.config.rootpath))))
