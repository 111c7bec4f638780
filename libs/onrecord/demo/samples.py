"""The demo: the samples through the whole system, two failures, their replay, and the audit."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from onrecord.commands.audit import take_stock
from onrecord.console import err, out
from onrecord.demo.runner import PROJECT, SAMPLES, chapter, command, performance
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


def play() -> None:
    """Run the demo in a folder of its own, made anew; nothing is left running.

    Raises:
        FailedError: a step did not end as it should.
    """
    simulated = not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"))
    with performance(HURRIED if simulated else {}) as stack:
        model = stack.model()
        _tell(simulated=model is not None and model.simulated)


def _tell(*, simulated: bool) -> None:
    chapter("Three interviews are submitted")
    if simulated:
        out.print("The simulated model will hang on one passage and falsify figures in another.")
    died = command("submit", str(SAMPLES), "--wait", may_fail=True)
    chapter("What the participants said, in their own words")
    command("notes")
    if died:
        chapter("What was set aside, and why")
        command("dlq", "list")
        chapter("Put back" + (", now that the model has recovered" if simulated else ""))
        command("dlq", "replay", "--all", "--yes")
        with err.status("waiting until the replayed messages are through"):
            asyncio.run(take_stock(ClientSettings.load(), SETTLED_WITHIN_S))
    elif simulated:
        raise FailedError("the simulator was to fail twice, but nothing was set aside")
    chapter("Which research questions are answered")
    command("coverage")
    chapter("What it " + ("would have cost" if simulated else "cost"))
    command("costs", "--by", "model")
    chapter("Nothing is lost")
    command("audit", "--wait")
