"""The demo: the samples through the whole system, two failures, their replay, and the audit."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from onrecord.commands.audit import audit_system
from onrecord.console import err, out
from onrecord.demo.runner import PROJECT, SAMPLES, print_heading, run_cli_verb, run_demo_stack
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


def run_demo() -> None:
    """Run the demo with the simulated model in a folder of its own, and stop everything after.

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
    died = run_cli_verb("submit", str(SAMPLES), "--wait", may_fail=True)
    print_heading("What the participants said, in their own words")
    run_cli_verb("notes")
    if died:
        print_heading("What was set aside, and why")
        run_cli_verb("dlq", "list")
        print_heading("Put back" + (", now that the model has recovered" if simulated else ""))
        run_cli_verb("dlq", "replay", "--all", "--yes")
        with err.status("waiting until the replayed messages are through"):
            asyncio.run(audit_system(ClientSettings.load(), SETTLED_WITHIN_S))
    elif simulated:
        raise FailedError("the simulator was to fail twice, but nothing was set aside")
    print_heading("Which research questions are answered")
    run_cli_verb("coverage")
    print_heading("What it " + ("would have cost" if simulated else "cost"))
    run_cli_verb("costs", "--by", "model")
    print_heading("Nothing is lost")
    run_cli_verb("audit", "--wait")
