"""The demo: the samples through the whole system, two failures, their replay, and the audit."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from onrecord.commands.audit import audit_system
from onrecord.console import err, out
from onrecord.demo.runner import (
    PROJECT,
    SAMPLES,
    print_and_run_command,
    print_heading,
    run_demo_stack,
)
from onrecord.errors import FailedError
from onrecord.settings import ClientSettings

RULES: Final = PROJECT / "deploy" / "local" / "demo-rules.yaml"

HURRIED: Final = {
    "OPENAI_TIMEOUT_S": "2",
    "ENRICHMENT_RETRY_DELAYS_S": "1",
    "ONRECORD_SIMULATOR_LATENCY": "lognormal:0.4,0.3",
    "ONRECORD_SIMULATOR_SEED": "7",
    "ONRECORD_SIMULATOR_RULES": str(RULES),
}
"""Settings under which failures show within seconds; a real model is given its usual time."""

SETTLED_WITHIN_S: Final = 60.0
"""How long the demo waits until nothing is on its way any more, in seconds."""


def run_simulator_demo() -> None:
    """Run the demo with the simulator in a new folder, and stop all processes afterwards.

    Raises:
        FailedError: a step did not end as it should.
    """
    simulated = not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"))
    with run_demo_stack(HURRIED if simulated else {}) as stack:
        model = stack.model()
        _print_introduction(simulated=model is not None and model.simulated)


def _print_introduction(*, simulated: bool) -> None:
    print_heading("Three interviews are submitted")
    if simulated:
        out.print("The simulated model will hang on one passage and falsify figures in another.")
    died = print_and_run_command("submit", str(SAMPLES), "--wait", may_fail=True)
    print_heading("What the participants said, in their own words")
    print_and_run_command("notes")
    if died:
        print_heading("What was set aside, and why")
        print_and_run_command("dlq", "list")
        print_heading("Put back" + (", now that the model has recovered" if simulated else ""))
        print_and_run_command("dlq", "replay", "--all", "--yes")
        with err.status("waiting until the replayed messages are through"):
            asyncio.run(audit_system(ClientSettings.load(), SETTLED_WITHIN_S))
    elif simulated:
        raise FailedError("the simulator was to fail twice, but nothing was set aside")
    print_heading("Which research questions are answered")
    print_and_run_command("coverage")
    print_heading("What it " + ("would have cost" if simulated else "cost"))
    print_and_run_command("costs", "--by", "model")
    print_heading("Nothing is lost")
    print_and_run_command("audit", "--wait")
