from __future__ import annotations

import pytest

from contracts.topics import CONTROL, PIPELINE
from local_stack.supervisor import LocalStack


def test_everything_gets_ready(stack: LocalStack) -> None:
    not_ready = {one.name: one.reason for one in stack.status() if not one.ready}
    assert not_ready == {}


def test_without_a_key_the_simulator_is_the_model(stack: LocalStack) -> None:
    model = stack.model()
    assert model is not None
    assert model.simulated
    assert stack.client_env()["OPENAI_BASE_URL"] == model.base_url


@pytest.mark.parametrize("service", [*PIPELINE, CONTROL])
def test_a_killed_service_gets_ready_again(stack: LocalStack, service: str) -> None:
    before = stack.pid(service)
    stack.kill(service)
    stack.restart(service)
    assert stack.pid(service) != before
    assert all(one.ready for one in stack.status())
