"""Any JSON that holds a list of turns: objects with what was said, and perhaps who and when.

Tools that are not known by name write such lists under many keys. A list is read where one key
holds text in nearly all of its objects; the keys that were used go into the notices, so that a
wrong guess is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Final, NamedTuple

from contracts.transcript import TranscriptFormat
from transcripts.captions.cues import Cue, read_cue_passages
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_json_functions
from transcripts.notices import Notices
from transcripts.segments.turns import SpokenPassage
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.text import TextPiece
from transcripts.vendors.json_documents import normalize_speaker_id
from transcripts.vendors.words import (
    TimeConverter,
    build_segment_passages,
    filter_objects,
    format_speaker_label,
    is_object_list,
    text_or_empty,
)

_TEXT_KEYS: Final = (
    "text", "transcript", "content", "body", "sentence", "utterance", "words", "speech", "line",
    "value", "message", "caption", "phrase", "display", "said", "dialog", "dialogue",
    "transcription", "txt", "utterance_text", "statement", "reply", "msg", "spoken_text",
    "spokenText", "says", "final_sentence", "sentence_text", "punctuated_word", "word", "token",
)  # fmt: skip
_SPEAKER_KEYS: Final = (
    "speaker", "speaker_name", "speakerName", "speakerDisplayName", "speakerFullName",
    "speaker_label", "speakerLabel", "speaker_id",
    "speakerId", "speakerTag", "participant", "participant_name", "participantName", "name", "who",
    "from", "author", "role", "user_profile", "user", "user_name", "userName", "username",
    "identity", "channel", "display_name", "displayName", "voice", "spk", "spkid", "person",
    "sender_name", "sender", "senderName", "from_name", "author_name", "label", "users", "speakers",
    "speaker_designation", "speakerTitle", "actor", "character", "person_name", "talker",
    "participant_details", "participant_role", "participant_purpose", "party",
)  # fmt: skip
_PART_KEYS: Final = (
    "sentences", "segments", "parts", "lines", "tokens", "words", "content", "children",
)  # fmt: skip
_ID_KEYS: Final = (
    "id", "speaker_id", "speakerId", "spkid", "key", "uid", "participant_id", "label", "speaker",
    "speaker_label", "speakerLabel", "tag", "code", "spk", "index",
)  # fmt: skip
_NAME_KEYS: Final = (
    "name", "real_name", "display_name", "displayName", "label", "id", "user_name", "username",
    "userName", "full_name", "participant_role", "role",
)  # fmt: skip
_START_KEYS: Final = (
    "start", "start_time", "startTime", "start_ms", "startMs", "begin", "from", "offset", "ts",
    "timestamp", "time", "start_timestamp", "startTimestamp", "startTimeMs", "start_sec",
    "tStartMs", "startOffset", "begin_time", "relative_start", "in", "startDateTime",
    "begin_audio_time", "begin_offset_millis", "offset_millisecond", "offset_milliseconds",
    "offset_ms", "offset_seconds", "position", "start_time_seconds", "start_seconds",
    "start_time_ms", "start_millis", "start_offset_ms", "start_offset_seconds", "at",
)  # fmt: skip
_END_KEYS: Final = (
    "end", "end_time", "endTime", "end_ms", "endMs", "to", "end_ts", "endTs", "end_timestamp",
    "end_audio_time", "end_offset_millis", "endTimestamp", "endTimeMs", "end_sec", "endOffset",
    "until", "out", "endDateTime", "end_time_seconds", "end_seconds", "end_time_ms", "end_millis",
    "end_offset_ms", "end_offset_seconds",
)  # fmt: skip
_SPELLINGS: Final = {
    re.sub(r"[ _-]", "", key).lower(): key
    for key in (*_END_KEYS, *_START_KEYS, *_SPEAKER_KEYS, *_TEXT_KEYS, *_PART_KEYS)
}
_DEPTH: Final = 5
"""Levels of a JSON document in which a list of turns is looked for, at most."""

_MOST: Final = 0.8
_HALF: Final = 0.5
_MANY: Final = 200
_FEW: Final = 20
_SHORT_MS: Final = 100  # a turn shorter than a tenth of a second is none: the unit is seconds


@dataclass(frozen=True, slots=True)
class _Layout:
    turns: list[dict[str, Any]]
    text: str
    speaker: str
    start: str
    end: str


def _layout(document: Any) -> _Layout | None:
    best: _Layout | None = None
    for listed in _lists(document, _DEPTH):
        turns = [_with_parts(turn) for turn in filter_objects(listed)]
        key = _key(turns, _TEXT_KEYS, str) or _key(turns, _TEXT_KEYS, str, most=_HALF)
        if not key:
            continue
        # Chats have events in which nothing is said.
        turns = [turn for turn in turns if _is_text(turn, key) and turn[key].strip()]
        speaker = _key(
            turns, tuple(one for one in _SPEAKER_KEYS if one != key), (str, int, dict, list)
        ) or _key_of_names(turns, key)
        if speaker and all(str(turn.get(speaker, "")).isdecimal() for turn in turns[:_MANY]):
            speaker = _key_of_names(turns, key) or speaker  # names in place of numbers
        start = _key(turns, tuple(one for one in _START_KEYS if one != speaker), (str, int, float))
        end = _key(turns, _END_KEYS, (str, int, float))
        found = _Layout(turns, key, speaker, start, end)
        if best is None or _worth(found) > _worth(best):
            best = found
    return best if best is not None and (best.speaker or best.start) else None


def _key_of_names(turns: Sequence[dict[str, Any]], text: str) -> str:
    """The key, whatever it is called, under which names recur; empty if there is none."""
    looked_at = turns[:_MANY]
    for key in dict.fromkeys(key for turn in looked_at for key in turn):
        values = [turn[key] for turn in looked_at if _is_text(turn, key) and turn[key].strip()]
        names = set(values)
        if (
            key != text
            and len(values) >= _MOST * len(looked_at)
            and 1 < len(names) < len(values)
            and all(classify_label(name) in {LabelKind.NAME, LabelKind.ROLE} for name in names)
        ):
            return key
    return ""


@lru_cache(maxsize=4_096)
def _known_key(key: str) -> str:
    """A key as it is spelled here, if it differs from that in capitals and underscores alone."""
    return key if key in _SPELLINGS.values() else _SPELLINGS.get(_fold_key(key), key)


def _fold_key(key: str) -> str:
    return re.sub(r"[ _-]", "", key).lower()


@lru_cache(maxsize=1_024)
def _renamed_keys(keys: tuple[str, ...]) -> dict[str, str]:
    return {key: known for key in keys if (known := _known_key(key)) not in keys}


def _with_known_keys(turn: dict[str, Any]) -> dict[str, Any]:
    known = _renamed_keys(tuple(turn))
    return {known.get(key, key): value for key, value in turn.items()} if known else turn


def _with_parts(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn with the text and times of its sentences or words, and times that stand deeper."""
    turn = _with_known_keys(turn)
    if not any(isinstance(turn.get(one), str) for one in _TEXT_KEYS):
        turn = turn | _of_parts(turn)
    for key in ("time", "timing", "timestamps", "interval"):
        times = turn.get(key)
        if isinstance(times, list) and len(times) == 2:  # noqa: PLR2004 - start and end
            return turn | {"start": times[0], "end": times[1]}
        if isinstance(times, dict):
            start = next((times[one] for one in _START_KEYS if one in times), None)
            end = next((times[one] for one in _END_KEYS if one in times), None)
            return {name: one for name, one in turn.items() if name != key} | {
                "start": start,
                "end": end,
            }
    return turn


def _of_parts(turn: dict[str, Any]) -> dict[str, Any]:
    for key in _PART_KEYS:
        parts = [_with_known_keys(one) for one in filter_objects(turn.get(key))]
        texts = [
            next((one[name] for name in _TEXT_KEYS if isinstance(one.get(name), str)), "")
            for one in parts
        ]
        if parts and all(texts):
            made: dict[str, Any] = {"text": " ".join(texts)}
            if not any(name in turn for name in _START_KEYS):
                start = next((parts[0][one] for one in _START_KEYS if one in parts[0]), None)
                end = next((parts[-1][one] for one in _END_KEYS if one in parts[-1]), None)
                made |= {"start": start, "end": end}
            return made
    return {}


def _names_by_id(document: Any, ids: set[str]) -> dict[str, str]:
    """Names of speakers that a list or an object elsewhere in the document gives for their ids."""
    for holder in _objects(document, _DEPTH):
        named = {key: _named(value) for key, value in holder.items() if key in ids}
        if ids and ids <= named.keys() and all(named.values()):
            return named
    for listed in _lists(document, _DEPTH):
        objects = filter_objects(listed)
        for key in (key for key in _ID_KEYS if any(key in one for one in objects[:_FEW])):
            names = {
                str(one[key]): name
                for one in objects
                if normalize_speaker_id(one.get(key)) and (name := _plain_name(one, key))
            }
            if ids and ids <= names.keys():
                return names
    return {}


def _objects(document: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth and isinstance(document, dict):
        yield document
        for value in list(document.values())[:_MANY]:
            yield from _objects(value, depth - 1)


def _named(value: Any) -> str:
    return _plain_name(value, "") if isinstance(value, dict) else text_or_empty(value).strip()


def _plain_name(one: dict[str, Any], id_key: str) -> str:
    keys = (
        "name",
        "speaker_name",
        "speakerName",
        "display_name",
        "displayName",
        "full_name",
        "label",
    )
    return next((one[k].strip() for k in keys if k != id_key and isinstance(one.get(k), str)), "")


def _worth(layout: _Layout) -> tuple[bool, bool, int]:
    spoken = sum(len(turn[layout.text]) for turn in layout.turns if _is_text(turn, layout.text))
    return bool(layout.speaker), bool(layout.start), spoken


def _is_text(turn: dict[str, Any], key: str) -> bool:
    return isinstance(turn.get(key), str)


def _lists(document: Any, depth: int) -> Iterator[list[Any]]:
    if depth == 0:
        return
    if is_object_list(document):
        yield document
        if len(document) <= _FEW and not any(map(_says_something, document)):
            yield from _lists_within(document, depth)
        return
    if isinstance(document, dict):
        if _is_numbered(document):
            yield list(document.values())
            return
        for value in list(document.values())[:_MANY]:
            yield from _lists(value, depth - 1)


def _says_something(turn: dict[str, Any]) -> bool:
    return any(isinstance(value, str) for key, value in turn.items() if key in _TEXT_KEYS) or any(
        key in turn for key in _SPEAKER_KEYS
    )


def _lists_within(parts: list[dict[str, Any]], depth: int) -> Iterator[list[Any]]:
    """Lists that the parts of a recording have each, one after another."""
    for key in dict.fromkeys(key for part in parts for key in part):
        joined = [one for part in parts for one in filter_objects(part.get(key))]
        if joined:
            yield from _lists(joined, depth - 1)


def _is_numbered(document: dict[str, Any]) -> bool:
    """Whether an object is a list by another name: `{"0": {...}, "1": {...}}`."""
    return (
        len(document) > 1
        and all(isinstance(key, str) and key.isdecimal() for key in document)
        and is_object_list(list(document.values()))
    )


def _key(
    turns: list[dict[str, Any]],
    keys: tuple[str, ...],
    types: type | tuple[type, ...],
    most: float = _MOST,
) -> str:
    looked_at = turns[:_MANY]
    for key in keys:
        found = [one[key] for one in looked_at if isinstance(one.get(key), types)]
        filled = sum(value != "" for value in found)
        if found and len(found) >= _MOST * len(looked_at) and filled >= most * len(looked_at):
            return key
    return ""


def _is_turns(document: Any) -> bool:
    return _layout(document) is not None


def _turns(document: Any, notices: Notices) -> Iterator[SpokenPassage]:
    layout = _layout(document)
    assert layout is not None, "read only where it matches"
    clock = TimeConverter(_unit(layout), notices)
    notices.guess(
        "the JSON is of no known tool and was read as a list of turns: words from "
        f"{layout.text!r}, speakers from {layout.speaker or 'nowhere'!r}, times from "
        f"{layout.start or 'nowhere'!r}"
    )
    # Tokens bring their own blanks: ` No`, `t`.
    tokens = any(str(turn.get(layout.text))[:1] == " " for turn in layout.turns[1:_MANY])
    if not layout.speaker and layout.start and (spans := _speaker_spans(document, clock)):
        yield from _spoken_in(spans, layout, clock)
        return
    ids = {normalize_speaker_id(turn.get(layout.speaker)) for turn in layout.turns} - {""}
    names = _names_by_id(document, ids)
    if not layout.speaker and not tokens:
        yield from _labelled_in_text(layout, clock, notices)
        return
    spoken = [
        (
            _name(turn.get(layout.speaker), names),
            turn[layout.text],
            clock.span(
                turn.get(layout.start) if layout.start else None,
                turn.get(layout.end) if layout.end else None,
            ),
        )
        for turn in layout.turns
        if isinstance(turn.get(layout.text), str)
    ]
    if tokens:
        for speaker, group in groupby(spoken, key=itemgetter(0)):
            yield SpokenPassage(speaker, tuple(TextPiece(said, *times) for _, said, times in group))
        return
    for speaker, said, times in spoken:
        yield from build_segment_passages(speaker, said, times)


class _SpeakerSpan(NamedTuple):
    start_ms: int
    end_ms: int
    speaker: str


def _speaker_spans(document: Any, clock: TimeConverter) -> list[_SpeakerSpan]:
    """Who speaks from when to when, as a list beside the words has it; none if there is none."""
    for listed in _lists(document, _DEPTH):
        turns = [_with_known_keys(one) for one in filter_objects(listed)]
        speaker = _key(turns, _SPEAKER_KEYS, (str, int))
        start = _key(turns, _START_KEYS, (str, int, float))
        end = _key(turns, _END_KEYS, (str, int, float))
        if not speaker or not start or not end or _key(turns, _TEXT_KEYS, str):
            continue
        times = [clock.span(one.get(start), one.get(end)) for one in turns]
        return [
            _SpeakerSpan(start_ms, end_ms, format_speaker_label(one.get(speaker)))
            for one, (start_ms, end_ms) in zip(turns, times, strict=True)
            if start_ms is not None and end_ms is not None
        ]
    return []


def _spoken_in(
    spans: Sequence[_SpeakerSpan], layout: _Layout, clock: TimeConverter
) -> Iterator[SpokenPassage]:
    for turn in layout.turns:
        times = clock.span(turn.get(layout.start), turn.get(layout.end) if layout.end else None)
        start_ms = times[0]
        who = (
            one.speaker
            for one in spans
            if start_ms is not None and one.start_ms <= start_ms <= one.end_ms
        )
        yield from build_segment_passages(next(who, ""), turn[layout.text], times)


def _labelled_in_text(
    layout: _Layout, clock: TimeConverter, notices: Notices
) -> Iterator[SpokenPassage]:
    """Turns whose speakers, if any are named, stand before what they say, as in captions."""
    cues: list[Cue] = []
    start_ms = 0
    for turn in layout.turns:
        start, end = clock.span(turn.get(layout.start), turn.get(layout.end))
        start_ms = start_ms if start is None else start
        said = text_or_empty(turn.get(layout.text)).replace("&", "&amp;").replace("<", "&lt;")
        cues.append(Cue(start_ms, start_ms if end is None else end, said))
    yield from read_cue_passages(cues, (), notices).passages


def _name(value: Any, names: Mapping[str, str]) -> str:
    if name := names.get(normalize_speaker_id(value)):
        return name
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, dict):
        known = _with_known_keys(value)
        value = next((known[key] for key in _NAME_KEYS if known.get(key)), "")
        texts = [one for one in known.values() if isinstance(one, str)]
        value = texts[0] if not value and len(texts) == 1 else value
    return format_speaker_label(value) if normalize_speaker_id(value) else ""


def _unit(layout: _Layout) -> float:
    """Milliseconds of one unit of a list's times, by the key's name or by their size."""
    if layout.start.lower().endswith(("ms", "millis", "millisecond", "milliseconds")):
        return 1
    values = [turn.get(layout.start) for turn in layout.turns[:_MANY] if layout.start]
    numbers = [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    if not numbers or len(numbers) < len([one for one in values if one is not None]):
        return 1_000
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    typical = sorted(abs(step) for step in steps)[len(steps) // 2] if steps else max(numbers)
    return 1 if typical > _SHORT_MS else 1_000


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TURNS,
        FormatFamily.SERVICES,
        ("Any other tool whose JSON holds a list of turns; the report says which keys were used"),
        *adapt_json_functions(_is_turns, _turns),
        (
            '{"meeting": {"items": [{"who": {"displayName": "Odile"}, "said": "How?", "startMs": '
            '1000}, {"who": {"displayName": "Ravi"}, "said": "With a ladder.", "startMs": 3000}]}'
            "}"
        ),
        confidence=POSSIBLE,
        json=True,
    ),
)
