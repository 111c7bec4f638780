"""Edits of dead letters as text: what differs from the message, and who changed it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from contracts.letter_edits import LetterEdit, LetterEdits
from onrecord.pages.rendering import format_time

_LONGEST = 400


def format_letter_edits(letter: LetterEdits) -> Iterator[Text]:
    """Yield the lines of a dead letter's edits, the latest first, and of what a replay sends."""
    if letter.current is None:
        yield Text(f"a replay of {letter.letter_id} sends its message as it is")
    else:
        yield Text(f"a replay of {letter.letter_id} sends edit {letter.current}")
    for edit in letter.edits:
        when = format_time(edit.edited_at)
        yield Text(f"edit {edit.number} of {when} by {edit.edited_by}: {edit.reason}")
        yield from format_edit_changes(edit)
    if letter.why_locked:
        yield Text(f"locked: {letter.why_locked}")
    else:
        named = ", ".join(one or "all but ids" for one in letter.editable)
        yield Text(f"may be edited: {named}")


def format_edit_changes(edit: LetterEdit) -> Iterator[Text]:
    """Yield the lines of the differences between an edit and the original message."""
    for one in edit.changes:
        yield Text(f"  {one.path or '(all)'}", "bold")
        yield Text(f"    - {_shorten(one.before)}", "red")
        yield Text(f"    + {_shorten(one.after)}", "green")


def _shorten(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
