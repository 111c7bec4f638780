"""The demo with a real model on the CPU: what it makes up is set aside, and what is stored is true.

The model is so small that it seldom cites what was said. Nothing is put back at the end: a replay
would only ask it again.
"""

from __future__ import annotations

from typing import Final

from local_model.weights import INSTALL, list_missing_packages
from onrecord.console import out
from onrecord.demo.runner import SAMPLES, print_and_run_command, print_heading, run_demo_stack
from onrecord.errors import FailedError

SHORT: Final = SAMPLES / "short"

UNHURRIED: Final = {
    "ONRECORD_LOCAL_MODEL": "1",
    "INGESTION_CHUNK_CHARACTERS": "500",
    "INGESTION_CONTEXT_CHARACTERS": "200",
    "ENRICHMENT_RETRY_DELAYS_S": "1",
    "GUARDRAIL_POLICIES": '{"own_words": "reject"}',
}
"""Short passages, which are read in seconds; one more try for those that fail. Of a model that
makes things up, no note is taken in words that its quotes do not have."""

PATIENCE_S: Final = 900
"""Longest wait for all passages; two idle cores take less than one minute."""


def run_local_model_demo() -> None:
    """Run the demo with a small local model in a new folder, and stop all processes afterwards.

    Raises:
        FailedError: the model is not installed, or a step did not end as it should.
    """
    if lacks := list_missing_packages():
        raise FailedError(f"{lacks} not installed: {INSTALL}")
    with run_demo_stack(UNHURRIED):
        _print_introduction()


def _print_introduction() -> None:
    print_heading("A short interview is submitted")
    out.print("The model is real, small and slow, and makes up most of what it says.")
    died = print_and_run_command(
        "submit", str(SHORT), "--wait", "--timeout", str(PATIENCE_S), may_fail=True
    )
    print_heading("What is stored: only what was said")
    print_and_run_command("notes")
    print_heading("How far what the model wrote is vouched for")
    print_and_run_command("notes", "--standings")
    print_heading("What was refused, and why")
    print_and_run_command("notes", "--rejected")
    if died:
        print_heading("What was set aside, and why")
        print_and_run_command("dlq", "list")
    print_heading("Which research questions are answered")
    print_and_run_command("coverage")
    print_heading("Nothing is lost")
    print_and_run_command("audit", "--wait")
