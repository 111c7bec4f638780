"""The runbook's entries by error code, as the commands print them: what it means, what to do.

The file is written from ``docs/runbook.md`` by ``make contracts``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class RunbookEntry:
    """Entry of the runbook about one error code: its meaning, and what to do about it.

    Attributes:
        meaning: what has happened.
        replay_helps: whether the same bytes can succeed later.
        remedy: what to do.
    """

    meaning: str
    replay_helps: str
    remedy: str


@cache
def _load_entries() -> dict[str, RunbookEntry]:
    text = resources.files("onrecord").joinpath("runbook.json").read_text("utf-8")
    return {code: RunbookEntry(**entry) for code, entry in json.loads(text).items()}


def find_runbook_entry(code: str) -> RunbookEntry | None:
    """Return the entry about an error code; None for one that this version does not know."""
    return _load_entries().get(code)


def format_runbook_entry(code: str) -> list[tuple[str, str]]:
    """Format the runbook's entry about an error code as pairs of names and values."""
    if (entry := find_runbook_entry(code)) is None:
        return [("what to do", f"docs/runbook.md does not know {code}: ask who runs control")]
    return [
        ("meaning", entry.meaning),
        ("replay helps", entry.replay_helps),
        ("what to do", entry.remedy),
    ]
