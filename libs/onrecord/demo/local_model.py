"""The demo with a real model on the CPU: what it makes up is set aside, and what is stored is true.

The model is so small that it seldom cites what was said. Nothing is put back at the end: a replay
would only ask it again.
"""

from __future__ import annotations

from typing import Final

from local_model.weights import INSTALL, missing
from onrecord.console import out
from onrecord.demo.runner import SAMPLES, chapter, command, performance
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


def play() -> None:
    """Run the demo in a folder of its own, made anew; nothing is left running.

    Raises:
        FailedError: the model is not installed, or a step did not end as it should.
    """
    if lacks := missing():
        raise FailedError(f"{lacks} not installed: {INSTALL}")
    with performance(UNHURRIED):
        _tell()


def _tell() -> None:
    chapter("A short interview is submitted")
    out.print("The model is real, small and slow, and makes up most of what it says.")
    died = command("submit", str(SHORT), "--wait", "--timeout", str(PATIENCE_S), may_fail=True)
    chapter("What is stored: only what was said")
    command("notes")
    chapter("What the guardrail took out of drafts that were stored")
    command("notes", "--rejected")
    if died:
        chapter("What was set aside, and why")
        command("dlq", "list")
    chapter("Which research questions are answered")
    command("coverage")
    chapter("Nothing is lost")
    command("audit", "--wait")
