"""Vendors' JSON: decoding it, and taking out of it what has to be there."""

from __future__ import annotations

import json
from typing import Any, Final

from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Notices
from transcripts.segments.turns import normalize_label
from transcripts.text import clean_text

_KEY_LENGTH: Final = 40


def parse_json(content: str) -> Any:
    """Parse JSON or JSON Lines; raise if an object has the same key twice.

    Raises:
        MalformedTranscriptError: the text is no JSON, naming line and column, or is nested too
            deeply, or holds a number too long to be one.
    """
    try:
        return json.loads(content.removeprefix("\ufeff"), object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and (lines := _lines(content)) is not None:
            return lines
        raise MalformedTranscriptError(
            f"line {error.lineno}, column {error.colno}: not valid JSON", line=error.lineno
        ) from None
    except _RepeatedKeyError as error:
        raise MalformedTranscriptError(
            f"an object has the key {clean_text(error.key)[:_KEY_LENGTH]!r} twice, so what it "
            "holds is ambiguous: export the file again"
        ) from None
    except (ValueError, RecursionError):
        raise MalformedTranscriptError(
            "not usable JSON: nested too deeply, or a number too long"
        ) from None


def _lines(content: str) -> list[Any] | None:
    """The objects of JSON Lines, one a line; None if it is none."""
    lines = [line for line in content.removeprefix("\ufeff").splitlines() if line.strip()]
    if not all(line.lstrip().startswith("{") for line in lines):
        return None
    try:
        return [json.loads(line, object_pairs_hook=_once_each) for line in lines]
    except (json.JSONDecodeError, RecursionError):
        return None


class _RepeatedKeyError(Exception):
    """A JSON object has a key twice; a decoder would drop the first value without a word."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return made


def require_objects(holder: Any, key: str, where: str) -> list[dict[str, Any]]:
    """Return the list of objects under a key of a JSON object; raise if it is no such list.

    Args:
        holder: the JSON value that should be an object with that key.
        key: the key.
        where: names the holder in an error, such as ``monologue 12``.

    Raises:
        MalformedTranscriptError: it is not there, or is something else.
    """
    items = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise MalformedTranscriptError(f"{where}: {key!r} is no list of objects")
    return items


def get_text(item: dict[str, Any], key: str, where: str) -> str:
    """Return the text under a key of a JSON object, or "" if it is absent.

    Raises:
        MalformedTranscriptError: it is something else than text.
    """
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedTranscriptError(f"{where}: {key!r} is no text")
    return value


def normalize_speaker_id(value: Any) -> str:
    """Return a speaker's id as text, so that the number 1 and the text "1" are equal."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def map_speaker_labels(
    speakers: list[dict[str, Any]], id_key: str, notices: Notices
) -> dict[str, str]:
    """Map the speaker ids of a JSON transcript to unique labels."""
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for position, speaker in enumerate(speakers, start=1):
        name = get_text(speaker, "name", f"speaker {position}")
        notices.look_for_hidden(name, f"the name of speaker {position}")
        if name.strip():
            identifier = normalize_speaker_id(speaker.get(id_key))
            label = normalize_label(name)
            labels[identifier] = f"{label} ({identifier})" if label in taken else label
            taken.add(label)
    return labels
