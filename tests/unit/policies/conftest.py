"""Each test of the policy pack starts without a stack's configuration, whatever ran before it in the process."""

import pulumi
import pytest


@pytest.fixture(autouse=True)
def no_configuration() -> None:
    pulumi.runtime.set_all_config({})
