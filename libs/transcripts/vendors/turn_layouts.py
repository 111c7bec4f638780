"""The list of turns in a JSON document, wherever it stands, and its keys.

A list is one of turns where one key holds text in nearly all of its objects; of several, the one
with speakers, times and the most words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import log
from typing import Any, Final

from transcripts.segments.times_of_day import DAY_MS
from transcripts.vendors.turn_keys import (
    DURATION_KEYS,
    END_KEYS,
    LOOKED_AT,
    PART_KEYS,
    SPEAKER_KEYS,
    START_KEYS,
    TEXT_KEY_SET,
    TEXT_KEYS,
    find_common_key,
    find_speaker_name_key,
    find_start_time_key,
    has_string,
    normalize_key_spelling,
)
from transcripts.vendors.turn_texts import (
    convert_lists_by_speaker_to_turns,
    convert_name_text_pairs_to_turns,
    convert_parallel_lists_to_turns,
    convert_question_answer_pairs_to_turns,
    join_text,
    strip_html_tags,
)
from transcripts.vendors.words import filter_objects, is_object_list

DEPTH: Final = 5
"""Levels of a JSON document in which a list of turns is looked for, at most."""

_ATTRIBUTES: Final = ("data", "attributes", "attrs", "metadata")
_EVENTS: Final = frozenset(
    f"{where}_{what}"
    for where in ("channel", "group")
    for what in ("join", "leave", "topic", "purpose", "name", "archive", "unarchive")
)
"""Subtypes of Slack's messages that nobody wrote."""
_WORD_KEYS: Final = frozenset({"words", "tokens"})
_TIME_KEYS: Final = ("time", "timing", "timestamps", "interval")
_SENT_KEYS: Final = (
    "timestamp_ms", "timestamp", "ts", "date", "created_at", "createdAt", "sent_at", "sentAt",
)  # fmt: skip
"""Keys of when a message was sent."""
_EPOCH_S: Final = 100_000_000
"""Seconds, or more in other units, of which no recording has as many."""
_SELDOM: Final = 0.1
_CENTISECOND_MS: Final = 10
_SLOWEST: Final = 0.1
"""Characters a second that are none: a turn of a word would take a minute."""
_USUAL: Final = 12
"""Characters that people speak in a second, with blanks and short pauses."""
_SMALL_UNITS_MS: Final = (1, 1e-3, 1e-4, 1e-6)
"""Milliseconds, microseconds, ticks (as .NET and Azure count) and nanoseconds."""
_HALF: Final = 0.5
_FEW: Final = 20
_SHORT_MS: Final = 100  # a turn shorter than a tenth of a second is none: the unit is seconds


@dataclass(frozen=True, slots=True)
class TurnLayout:
    """Layout of a JSON transcript: its list of turns, and their keys for text, speaker, times.

    ``events`` are texts that a tool wrote, as where somebody joined.
    """

    turns: list[dict[str, Any]]
    text: str
    speaker: str
    start: str
    end: str
    events: frozenset[str] = frozenset()


def find_turn_layout(document: Any) -> TurnLayout | None:
    """Find the likeliest list of turns in a JSON document, and its keys; None if there is none."""
    best: TurnLayout | None = None
    for listed in iter_lists(document, DEPTH):
        turns = [_with_parts(turn) for turn in _split_interleaved(filter_objects(listed))]
        key = find_common_key(turns, TEXT_KEYS, str) or find_common_key(
            turns, TEXT_KEYS, str, most=_HALF
        )
        if not key:
            continue
        # Chats have events in which nothing is said.
        turns = [turn for turn in turns if has_string(turn, key) and turn[key].strip()]
        events = frozenset(turn[key] for turn in turns if turn.get("subtype") in _EVENTS)
        turns = [turn for turn in turns if turn[key] not in events]
        speaker = find_common_key(
            turns, tuple(one for one in SPEAKER_KEYS if one != key), (str, int, dict, list)
        ) or find_speaker_name_key(turns, key)
        if speaker and all(str(turn.get(speaker, "")).isdecimal() for turn in turns[:LOOKED_AT]):
            speaker = find_speaker_name_key(turns, key) or speaker  # names in place of numbers
        start = find_start_time_key(turns, speaker)
        end = find_common_key(turns, END_KEYS, (str, int, float))
        if start and not end and (lengths := find_common_key(turns, DURATION_KEYS, (int, float))):
            turns, end = [with_end(turn, start, lengths) for turn in turns], "end"
        found = TurnLayout(turns, key, speaker, start, end, events)
        if best is None or _worth(found) > _worth(best):
            best = found
    return best if best is not None and (best.speaker or best.start) else None


def with_end(turn: dict[str, Any], start: str, length: str) -> dict[str, Any]:
    """Return a turn with its end, if its start and how long it takes are numbers of one kind."""
    begin, taken = turn.get(start), turn.get(length)
    if not isinstance(begin, int | float) or not isinstance(taken, int | float):
        return turn
    alike = type(begin) is type(taken) or begin == 0
    return turn | {"end": begin + taken} if alike else turn


def _worth(layout: TurnLayout) -> tuple[bool, bool, int]:
    spoken = sum(len(turn[layout.text]) for turn in layout.turns if has_string(turn, layout.text))
    return bool(layout.speaker), bool(layout.start), spoken


def _split_interleaved(holders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turns of holders that have a list of them each, as where each speaker has one, by time.

    What one holder says in between is then said while another speaks, so it is no single turn.
    """
    if not 1 < len(holders) <= LOOKED_AT:
        return holders
    for key in PART_KEYS:
        if key in _WORD_KEYS or not all(is_object_list(one.get(key)) for one in holders):
            continue
        made = [
            {name: value for name, value in holder.items() if name != key}
            | _with_plain_times(normalize_key_spelling(part))
            for holder in holders
            for part in filter_objects(holder[key])
        ]
        start = find_common_key(made, START_KEYS, (int, float))
        if not start or not find_common_key(made, TEXT_KEYS, str):
            continue
        if not all(isinstance(one.get(start), int | float) for one in made):
            continue
        spans = [_span_of(holder[key], start) for holder in holders]
        if all(later[0] >= earlier[1] for earlier, later in pairwise(sorted(spans))):
            return holders
        return sorted(made, key=lambda one: one[start])
    return holders


def _span_of(parts: list[Any], start: str) -> tuple[float, float]:
    starts = [normalize_key_spelling(one).get(start) for one in filter_objects(parts)]
    numbers = [one for one in starts if isinstance(one, int | float)]
    return min(numbers, default=0), max(numbers, default=0)


def _with_parts(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn with the text and times of its sentences or words, and times that stand deeper."""
    turn = _with_attributes(_with_plain_times(normalize_key_spelling(turn)))
    for key in TEXT_KEY_SET.intersection(turn):
        value = turn[key]
        if isinstance(value, str):
            if value[:1] == "<":
                turn = turn | {key: strip_html_tags(value)}
        elif isinstance(value, dict | list) and isinstance(text := join_text(value), str):
            turn = _times_of_parts(turn, value) | turn | {key: text}
    if not any(isinstance(turn.get(one), str) for one in TEXT_KEYS):
        turn = turn | _of_parts(turn)
    if not any(key in turn for key in SPEAKER_KEYS):
        turn = turn | _speaker_of_parts(turn)
    for key in (*_TIME_KEYS, *(one for one in turn if _holds_times(turn[one]))):
        times = turn.get(key)
        if isinstance(times, list) and len(times) > 1:  # of a turn, or of each of its words
            return turn | {"start": times[0], "end": times[-1]}
        if isinstance(times, dict):
            start = next((times[one] for one in START_KEYS if one in times), None)
            end = next((times[one] for one in END_KEYS if one in times), None)
            return {name: one for name, one in turn.items() if name != key} | {
                "start": start,
                "end": end,
            }
    return turn


def _with_attributes(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn with what stands in an object of its own beside its text, as Draft.js has it."""
    for key in _ATTRIBUTES:
        inner = turn.get(key)
        if isinstance(inner, dict) and any(one in inner for one in SPEAKER_KEYS):
            return {name: one for name, one in inner.items() if name not in TEXT_KEY_SET} | turn
    return turn


def _speaker_of_parts(turn: dict[str, Any]) -> dict[str, Any]:
    """The one speaker whom all parts of a turn name, as its only paragraph does."""
    for key in PART_KEYS:
        parts = filter_objects(turn.get(key))
        named = {one.get("speaker") for one in parts if isinstance(one.get("speaker"), str | int)}
        if len(named) == 1 and len(parts) <= _FEW:
            return {"speaker": named.pop()}
    return {}


def _holds_times(value: Any) -> bool:
    """Whether an object within a turn has a start and an end, as `{"from": 1.0, "to": 2.0}`."""
    return (
        isinstance(value, dict)
        and any(isinstance(value.get(one), str | int | float) for one in START_KEYS)
        and any(isinstance(value.get(one), str | int | float) for one in END_KEYS)
    )


def _of_parts(turn: dict[str, Any]) -> dict[str, Any]:
    for key in PART_KEYS:
        parts = [_with_parts(one) for one in filter_objects(turn.get(key))]
        texts = [
            next((one[name] for name in TEXT_KEYS if isinstance(one.get(name), str)), "")
            for one in parts
        ]
        if parts and all(texts):
            return {"text": " ".join(texts)} | _times_of_parts(turn, parts)
    return {}


def _times_of_parts(turn: dict[str, Any], parts: Any) -> dict[str, Any]:
    """The times of a turn's first and last word or sentence, if the turn itself has none."""
    objects = filter_objects(parts)
    if not objects or any(name in turn for name in START_KEYS):
        return {}
    first, last = (_with_plain_times(normalize_key_spelling(objects[at])) for at in (0, -1))
    start = next((first[one] for one in START_KEYS if one in first), None)
    end = next((last[one] for one in END_KEYS if one in last), None)
    return {} if start is None else {"start": start, "end": end}


def _with_plain_times(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn whose times are numbers where they were objects, as `{"relative": 4.1, …}`."""
    plain = {
        key: time
        for key, value in turn.items()
        if isinstance(value, dict) and (key in START_KEYS or key in END_KEYS)
        if (time := _seconds_of(value)) is not None
    }
    return turn | plain if plain else turn


def _seconds_of(time: dict[str, Any]) -> float | None:
    """An object's seconds from the start: Recall.ai's `relative`, protobuf's `seconds`, `nanos`."""
    if isinstance(relative := time.get("relative"), int | float):
        return float(relative)
    try:
        return float(time["seconds"]) + float(time.get("nanos") or 0) / 1e9
    except (KeyError, TypeError, ValueError):
        return None


def find_time_unit(layout: TurnLayout) -> float:
    """Find the unit of a JSON transcript's times, in milliseconds, by key name or size."""
    if layout.start == "t0" and all(type(turn.get("t0")) is int for turn in layout.turns):
        return _CENTISECOND_MS  # as whisper.cpp counts
    if layout.start.lower().endswith(("ms", "millis", "millisecond", "milliseconds")):
        return 1
    values = [turn.get(layout.start) for turn in layout.turns[:LOOKED_AT] if layout.start]
    numbers = [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    if not numbers or len(numbers) < len([one for one in values if one is not None]):
        return 1_000
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    typical = sorted(abs(step) for step in steps)[len(steps) // 2] if steps else max(numbers)
    return _find_small_unit(layout) if typical > _SHORT_MS else 1_000


def _find_small_unit(layout: TurnLayout) -> float:
    """The unit of large whole numbers: a millisecond, unless nobody speaks as slowly as that."""
    rate = _speaking_rate(layout)
    if rate is None or rate > _SLOWEST:
        return 1
    starts = [turn[layout.start] for turn in layout.turns if type(turn.get(layout.start)) is int]
    if not layout.end and max(starts, default=0) < DAY_MS:
        return 1  # without ends, short answers between pauses look as slow
    return min(_SMALL_UNITS_MS, key=lambda unit: abs(log(rate / unit / _USUAL)))


def _speaking_rate(layout: TurnLayout) -> float | None:
    """Characters a second by a file's turns if their times are milliseconds; None if unknown.

    How long turns take tells it, else the time from one to the next, in which there are pauses.
    """
    turns = [turn for turn in layout.turns[:LOOKED_AT] if type(turn.get(layout.start)) is int]
    taken = [
        (len(turn[layout.text]), turn[layout.end] - turn[layout.start])
        for turn in turns
        if layout.end and type(turn.get(layout.end)) is int
    ] or [
        (len(turn[layout.text]), later[layout.start] - turn[layout.start])
        for turn, later in pairwise(turns)
    ]
    rates = sorted(said * 1_000 / length for said, length in taken if said and length > 0)
    return rates[len(rates) // 2] if rates else None


def are_turns_newest_first(layout: TurnLayout) -> bool:
    """Return whether a list of turns has the latest turn first, as messengers export it."""
    for key in dict.fromkeys((layout.start, *_SENT_KEYS)):
        sent = [_instant(turn.get(key)) for turn in layout.turns]
        if len(sent) > 1 and all(one is not None for one in sent):
            pairs = list(pairwise([one for one in sent if one is not None]))
            falling = sum(later < earlier for earlier, later in pairs)
            rising = sum(later > earlier for earlier, later in pairs)
            are_dates = min(one for one in sent if one is not None) > _EPOCH_S
            return falling > (0 if are_dates else 1) and rising <= _SELDOM * falling
    return False


def _instant(value: Any) -> float | None:
    """A number, or a date, as a number to compare."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def iter_lists(document: Any, depth: int) -> Iterator[list[Any]]:
    """Yield all lists of objects in a JSON document, down to ``depth`` levels."""
    if depth == 0:
        return
    if (
        turns := convert_lists_by_speaker_to_turns(document)
        or convert_parallel_lists_to_turns(document)
        or convert_name_text_pairs_to_turns(document)
    ):
        yield turns
        return
    if is_object_list(document):
        yield convert_question_answer_pairs_to_turns(document) or document
        if len(document) <= _FEW and not any(map(_says_something, document)):
            yield from _lists_within(document, depth)
        return
    if isinstance(document, dict):
        if _is_numbered(document):
            yield list(document.values())
            return
        for value in list(document.values())[:LOOKED_AT]:
            yield from iter_lists(value, depth - 1)


def _says_something(turn: dict[str, Any]) -> bool:
    return any(isinstance(value, str) for key, value in turn.items() if key in TEXT_KEYS) or any(
        key in turn for key in SPEAKER_KEYS
    )


def _lists_within(parts: list[dict[str, Any]], depth: int) -> Iterator[list[Any]]:
    """Lists that the parts of a recording have each, one after another."""
    for key in dict.fromkeys(key for part in parts for key in part):
        joined = [one for part in parts for one in filter_objects(part.get(key))]
        if joined:
            yield from iter_lists(joined, depth - 1)


def _is_numbered(document: dict[str, Any]) -> bool:
    """Whether an object is a list by another name: `{"0": {...}, "1": {...}}`."""
    return (
        len(document) > 1
        and all(isinstance(key, str) and key.isdecimal() for key in document)
        and is_object_list(list(document.values()))
    )
