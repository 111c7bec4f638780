from __future__ import annotations

import io

from rich.console import Console

from local_stack.state import ModelInUse
from local_stack.supervisor import ProcessStatus
from onrecord.commands.stack import describe_model, format_processes


def test_the_simulator_is_not_taken_for_a_real_model() -> None:
    output = describe_model(
        ModelInUse(name="simulated-notes", base_url="http://127.0.0.1:1/v1", simulated=True)
    )
    assert "simulator" in output
    assert "no real model is asked" in output


def test_a_real_model_is_named_with_its_address() -> None:
    output = describe_model(ModelInUse(name="a-model", base_url="http://host/v1", simulated=False))
    assert output == "model: a-model at http://host/v1"


def test_a_model_nobody_named_is_the_services_default() -> None:
    output = describe_model(ModelInUse(name=None, base_url=None, simulated=False))
    assert "ONRECORD_MODEL names another" in output
    assert "https://" in output


def test_a_ready_process_that_is_slowed_down_is_shown_with_the_reason() -> None:
    why = {
        "enrichment": "throttled until 12:00: retry-after 3,600 s",
        "guardrail": "",
        "control": "no broker",
    }
    found = [
        ProcessStatus(name, running=True, ready=name != "control", reason=reason, port=1, pid=2)
        for name, reason in why.items()
    ]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(format_processes(found))
    head, *lines = console.export_text().splitlines()
    assert head.split()[:2] == ["process", "ready"]
    slowed, ready, waiting = (line.split() for line in lines)
    assert slowed[1:3] == ["yes,", "but"]
    assert " ".join(slowed[5:]).endswith("throttled until 12:00: retry-after 3,600 s")
    assert (ready[1], waiting[1]) == ("yes", "no")
    assert waiting[-2:] == ["no", "broker"]
