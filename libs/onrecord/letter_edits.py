"""Edits of dead letters through control's API, and the files in which people write them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from contracts.letter_edits import EditLetterRequest, LetterEdits
from onrecord.control_client import ControlClient, get_letter_path
from onrecord.errors import FailedError, UsageError
from onrecord.text_editor import run_text_editor

_HEAD: Final = """\
# Letter {letter_id}, {event}.
# May be edited: {editable}. All else is locked. Lines that begin with # are left out.
# The message stays in its DLQ as it is; a replay sends what stands here.
"""


async def fetch_letter_edits(control: ControlClient, letter_id: str) -> LetterEdits:
    """Fetch the edits of a dead letter from control's API, with the fields that may be edited."""
    return await control.get(f"{get_letter_path(letter_id)}/edit", LetterEdits)


async def store_letter_edit(
    control: ControlClient, letter: LetterEdits, wanted: EditLetterRequest
) -> LetterEdits:
    """Store an edited message for a dead letter's replays; fails if it was edited meanwhile.

    Raises:
        FailedError: it is refused, with the field.
    """
    return await control.send(
        "PUT",
        f"{get_letter_path(str(letter.letter_id))}/edit",
        LetterEdits,
        json=wanted.model_dump(mode="json"),
        headers={"If-Match": _etag(letter)},
    )


async def undo_letter_edit(control: ControlClient, letter: LetterEdits) -> LetterEdits:
    """Undo a letter's edit, so that replays send the message itself; fails if edited meanwhile."""
    path = f"{get_letter_path(str(letter.letter_id))}/edit"
    return await control.send("DELETE", path, LetterEdits, headers={"If-Match": _etag(letter)})


def parse_edited_event(text: str, name: str) -> dict[str, Any]:
    """Parse an event from JSON that a person wrote; lines that begin with ``#`` are ignored.

    Args:
        text: JSON.
        name: of where it is from, for errors.

    Raises:
        UsageError: it is no JSON object.
    """
    lines = ["" if line.startswith("#") else line for line in text.splitlines()]
    try:
        found = json.loads("\n".join(lines))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{name}: an event is a JSON object")
    return found


def set_event_fields(value: Any, settings: Sequence[str]) -> dict[str, Any]:
    """Return a copy of an event with fields set, as given by ``/pointer=value`` settings.

    Args:
        value: the event.
        settings: ``POINTER=VALUE``: a JSON Pointer (RFC 6901) and JSON, or text as it is.

    Raises:
        UsageError: one of them is malformed, or names no field.
    """
    changed = json.loads(json.dumps(value))
    if not isinstance(changed, dict):
        raise UsageError("--set: the message is no JSON object; use --file")
    for setting in settings:
        pointer, is_set, text = setting.partition("=")
        if not is_set or not pointer.startswith("/"):
            raise UsageError(f"--set {setting}: write /field=value, such as /title=Bikes")
        *way, last = [one.replace("~1", "/").replace("~0", "~") for one in pointer[1:].split("/")]
        try:
            at: Any = changed
            for step in way:
                at = at[int(step)] if isinstance(at, list) else at[step]
            if isinstance(at, list):
                at[int(last)] = _parse_value(text)
            else:
                at[last] = _parse_value(text)
        except (KeyError, IndexError, ValueError, TypeError):
            raise UsageError(f"--set {setting}: the message has no {pointer}") from None
    return changed


def edit_letter_in_text_editor(
    letter: LetterEdits, environ: Mapping[str, str] = os.environ
) -> tuple[dict[str, Any], Path]:
    """Open a dead letter's message in the user's text editor; return the event and the file.

    Args:
        letter: as it is.
        environ: names the editor.

    Raises:
        FailedError: the editor fails, or nothing was changed.
        UsageError: what was written is no JSON; the file is kept, and named.
    """
    handle, name = tempfile.mkstemp(prefix=f"letter-{str(letter.letter_id)[:8]}-", suffix=".json")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            _HEAD.format(
                letter_id=letter.letter_id,
                event=letter.event or "of an unknown event",
                editable=", ".join(one or "all but ids" for one in letter.editable),
            )
        )
        json.dump(letter.value, file, indent=2, ensure_ascii=False)
        file.write("\n")
    run_text_editor(path, environ)
    try:
        written = parse_edited_event(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8") from None
    if written == letter.value:
        path.unlink()
        raise FailedError("nothing was changed, and nothing was kept")
    return written, path


def require_editable(letter: LetterEdits) -> None:
    """Raise ``CommandError`` if no field of a dead letter's message may be edited."""
    if not letter.editable:
        raise FailedError(letter.why_locked)


def _etag(letter: LetterEdits) -> str:
    return f'"{letter.current or 0}"'


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
