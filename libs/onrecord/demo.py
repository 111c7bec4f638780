"""The demo: the samples through the whole system, two failures, their replay, and the audit."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from onrecord.cli import run
from onrecord.commands.audit import take_stock
from onrecord.commands.stack import describe
from onrecord.console import err, out, stack_progress
from onrecord.errors import FailedError
from onrecord.settings import HOME_SETTING, ClientSettings, home_folder
from onrecord.stack.progress import Progress, Report, silent
from onrecord.stack.supervisor import Stack

PROJECT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = PROJECT / "samples"
RULES: Final = PROJECT / "deploy" / "local" / "demo-rules.yaml"

HURRIED: Final = {
    "OPENAI_TIMEOUT_S": "2",
    "ENRICHMENT_TRIES": "2",
    "ENRICHMENT_RETRY_DELAYS_S": "1",
    "ONRECORD_SIMULATOR_LATENCY": "lognormal:0.4,0.3",
    "ONRECORD_SIMULATOR_SEED": "7",
    "ONRECORD_SIMULATOR_RULES": str(RULES),
}
"""Settings under which failures show within seconds; a real model is given its usual time."""

INTERRUPTED: Final = 128 + signal.SIGINT
SETTLED_WITHIN_S: Final = 60.0


class _Reporter:
    """Passes a stack's steps on to whoever shows them at the moment."""

    target: Report = staticmethod(silent)

    def __call__(self, progress: Progress) -> None:
        self.target(progress)

    @contextmanager
    def showing(self, doing: str) -> Iterator[None]:
        with stack_progress(doing) as self.target:
            yield
        self.target = silent


def play() -> None:
    """Run the demo in a folder of its own, made anew; nothing is left running.

    Raises:
        FailedError: a step did not end as it should.
    """
    home = home_folder() / "demo"
    simulated = not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"))
    reporter = _Reporter()
    Stack(home, attached=False).stop(purge=True)
    stack = Stack(home, env=HURRIED if simulated else {}, report=reporter)
    with reporter.showing("starting"):
        stack.__enter__()
    try:
        with _environment(HOME_SETTING, str(home)):
            _tell(stack)
    finally:
        with reporter.showing("stopping"):
            stack.__exit__(None, None, None)
    out.print("the stack is stopped; `make up` starts one that stays")


def _tell(stack: Stack) -> None:
    model = stack.model()
    simulated = model is not None and model.simulated
    if model is not None:
        out.print(describe(model), markup=False)
    _chapter("Three interviews are submitted")
    if simulated:
        out.print("The simulated model will hang on one passage and falsify figures in another.")
    died = _command("submit", str(SAMPLES), "--wait", may_fail=True)
    _chapter("What the participants said, in their own words")
    _command("notes")
    if died:
        _chapter("What was set aside, and why")
        _command("dlq", "list")
        _chapter("Put back" + (", now that the model has recovered" if simulated else ""))
        _command("dlq", "replay", "--all", "--yes")
        with err.status("waiting until the replayed messages are through"):
            asyncio.run(take_stock(ClientSettings.load(), SETTLED_WITHIN_S))
    elif simulated:
        raise FailedError("the simulator was to fail twice, but nothing was set aside")
    _chapter("Which research questions are answered")
    _command("coverage")
    _chapter("Nothing is lost")
    _command("audit", "--wait")


def _chapter(title: str) -> None:
    out.print()
    out.rule(f"[bold]{title}[/]", align="left")


def _command(*arguments: str, may_fail: bool = False) -> bool:
    """Run a verb as a person would, and show which; whether it failed as it may."""
    err.print(f"[dim]$ onrecord {' '.join(_short(arguments))}[/]")
    code = run(arguments)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code and not (may_fail and code == 1):
        raise FailedError(f"`onrecord {' '.join(arguments)}` ended with exit code {code}")
    return code != 0


def _short(arguments: Sequence[str]) -> list[str]:
    return [one.removeprefix(f"{PROJECT}/") for one in arguments]


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
