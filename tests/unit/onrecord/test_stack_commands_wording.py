from __future__ import annotations

from local_stack.state import ModelInUse
from onrecord.commands.stack import describe_model


def test_the_simulator_is_not_taken_for_a_real_model() -> None:
    told = describe_model(
        ModelInUse(name="simulated-notes", base_url="http://127.0.0.1:1/v1", simulated=True)
    )
    assert "simulator" in told
    assert "no real model is asked" in told


def test_a_real_model_is_named_with_its_address() -> None:
    told = describe_model(ModelInUse(name="a-model", base_url="http://host/v1", simulated=False))
    assert told == "model: a-model at http://host/v1"


def test_a_model_nobody_named_is_the_services_default() -> None:
    told = describe_model(ModelInUse(name=None, base_url=None, simulated=False))
    assert "ONRECORD_MODEL names another" in told
    assert "https://" in told
