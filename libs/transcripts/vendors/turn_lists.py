"""Any JSON that holds a list of turns: objects with what was said, and perhaps who and when.

Tools that are not known by name write such lists under many keys. A list is read where one key
holds text in nearly all of its objects; the keys that were used go into the notices, so that a
wrong guess is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice, pairwise
from operator import itemgetter
from typing import Any, Final, NamedTuple

from contracts.transcript import TranscriptFormat
from transcripts.captions.cues import Cue, read_cue_passages
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_json_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.times_of_day import remove_times, remove_times_of_day
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan
from transcripts.times import parse_clock_time
from transcripts.vendors.json_documents import normalize_speaker_id
from transcripts.vendors.turn_keys import (
    DURATION_KEYS,
    END_KEYS,
    LOOKED_AT,
    PART_KEYS,
    SPEAKER_KEYS,
    START_KEYS,
    TEXT_KEYS,
    find_common_key,
    normalize_key_spelling,
)
from transcripts.vendors.turn_layouts import (
    DEPTH,
    TurnLayout,
    are_turns_newest_first,
    find_time_unit,
    find_turn_layout,
    iter_lists,
    with_end,
)
from transcripts.vendors.turn_speakers import find_names_by_id, get_speaker_label
from transcripts.vendors.turn_texts import (
    iter_texts_under_key,
    iter_values_under_key,
    strip_html_tags,
)
from transcripts.vendors.words import (
    TimeConverter,
    build_segment_passages,
    filter_objects,
    get_text_or_empty,
)

_NO_NAMES: Final = frozenset(
    {"id", "index", "seek", "type", "language", "lang", "languageCode", "confidence", "duration",
     "align", "position", "size", "line", "vertical", "region", "style", "sentiment", "topic",
     "alignedWord", "case"}
)  # fmt: skip
"""Keys whose values differ from turn to turn and are no speakers."""
_NEARLY_AS_LONG: Final = 0.05
_BEGINNING: Final = 60
_NAMING_KEYS: Final = ("speaker", "speaker_name", "speakerName", "speaker_id", "speakerId")
_FEW: Final = 20
_EPOCH_S: Final = 100_000_000
"""Seconds, or more in other units, of which no recording has as many."""


def has_turns(document: Any) -> bool:
    """Return whether a JSON document contains a list of turns: speaker and text."""
    return find_turn_layout(document) is not None


def read_turns(document: Any, notices: Notices) -> ParsedTranscript:
    """Parse the list of turns in a JSON document into passages."""
    layout = find_turn_layout(document)
    assert layout is not None, "read only where it matches"
    if are_turns_newest_first(layout):
        notices.add(Repair.NEWEST_FIRST, len(layout.turns))
        layout = replace(layout, turns=layout.turns[::-1])
    layout = _with_letters(layout, notices)
    passages = remove_times_of_day(tuple(_passages(document, layout, notices)), notices)
    notices.add(Repair.VENDOR_LINE, len(layout.events))
    named = any(one.speaker for one in passages)
    doubts = (
        *_doubts(layout, named=named),
        *(() if named else _speakers_left(document)),
        *_texts_left(document, layout),
    )
    return ParsedTranscript(passages, doubts=doubts)


def _with_letters(layout: TurnLayout, notices: Notices) -> TurnLayout:
    """The layout with `Zürich` in place of `ZÃ¼rich`, as Messenger and Instagram export it."""
    keys = [key for key in (layout.text, layout.speaker) if key]
    texts = "".join(
        one for turn in layout.turns for key in keys if isinstance(one := turn.get(key), str)
    )
    if texts.isascii() or _decode_twice(texts) is None:
        return layout
    notices.guess("the letters are encoded twice, as Messenger exports them, and were decoded so")
    turns = [
        turn | {key: _decode_twice(turn[key]) for key in keys if isinstance(turn.get(key), str)}
        for turn in layout.turns
    ]
    return replace(layout, turns=turns)


def _decode_twice(text: str) -> str | None:
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return None


def _texts_left(document: Any, layout: TurnLayout) -> Iterator[str]:
    """Texts elsewhere in the JSON under the key of the turns' texts, which were not read."""
    turns = {turn[layout.text] for turn in layout.turns} | layout.events
    left_over = (
        strip_html_tags(one) for one in iter_texts_under_key(document, layout.text, DEPTH + 1)
    )
    texts = (one if one in turns else _decode_twice(one) or one for one in left_over)
    left = [one for one in texts if one not in turns and " " in one.strip()][:LOOKED_AT]
    read = _without_blanks(" ".join(turn[layout.text] for turn in layout.turns)) if left else ""
    if left := [one for one in left if not _is_read(_without_blanks(one), read)]:
        yield (
            f"{len(left):,} texts under {layout.text!r} stand beside the list that was read: they "
            "may be what somebody said"
        )


def _speakers_left(document: Any) -> Iterator[str]:
    """Speakers elsewhere in the JSON, where nobody is named."""
    for key in _NAMING_KEYS:
        if len(set(islice(iter_values_under_key(document, key, DEPTH + 2), _FEW))) > 1:
            yield f"speakers stand under {key!r} in the JSON and were not read: nobody is named"
            return


def _is_read(text: str, read: str) -> bool:
    """Whether a text was read, if need be with a few words spelled otherwise: the whole of it."""
    if text in read:
        return True
    alike = abs(len(text) - len(read)) <= _NEARLY_AS_LONG * len(read)
    return alike and text[:_BEGINNING] == read[:_BEGINNING]


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _doubts(layout: TurnLayout, *, named: bool) -> Iterator[str]:
    """Signs that a key was missed that tells who speaks, or which objects are no turns."""
    turns = layout.turns[:LOOKED_AT]
    if not layout.start and (key := _find_rising_key(layout)):
        yield f"{key!r} rises from turn to turn and may tell times, which were not read"
    types = {one["type"] for one in turns if isinstance(one.get("type"), str)}
    if len(types) > 1 and "type" not in {layout.text, layout.speaker}:
        listed = ", ".join(sorted(types)[:_FEW])
        yield f"the JSON has objects of several types, all read as turns: {listed}"
    if named:
        return
    if layout.speaker:
        yield f"the speakers under {layout.speaker!r} could not be read: nobody is named"
    known = _NO_NAMES.union(TEXT_KEYS, START_KEYS, END_KEYS, PART_KEYS)
    for key in dict.fromkeys(key for one in turns for key in one):
        values = [one.get(key) for one in turns]
        if key in known or not all(type(value) in {str, int} for value in values):
            continue
        if 1 < len(set(values)) < len(values):
            yield f"the JSON is of no known tool, and {key!r} may tell who speaks: nobody is named"
            return


def _find_rising_key(layout: TurnLayout) -> str:
    """A key that is not known, whose values rise as times do and count nothing; or ""."""
    turns = layout.turns[:LOOKED_AT]
    known = _NO_NAMES.union(TEXT_KEYS, PART_KEYS, {layout.speaker})
    for key in dict.fromkeys(key for one in turns for key in one if key not in known):
        values = [_parse_time(one.get(key)) for one in turns]
        numbers = [one for one in values if one is not None]
        steps = [later - earlier for earlier, later in pairwise(numbers)]
        if any(one > _EPOCH_S for one in numbers):
            continue  # when a message was sent
        if len(numbers) == len(turns) > 1 and min(steps) >= 0 and len(set(steps)) > 1:
            return key
    return ""


def _parse_time(value: Any) -> float | None:
    if isinstance(value, str):
        return parse_clock_time(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _passages(document: Any, layout: TurnLayout, notices: Notices) -> Iterator[SpokenPassage]:
    clock = TimeConverter(find_time_unit(layout), notices)
    notices.guess(
        "the JSON is of no known tool and was read as a list of turns: words from "
        f"{layout.text!r}, speakers from {layout.speaker or 'nowhere'!r}, times from "
        f"{layout.start or 'nowhere'!r}"
    )
    tokens = _are_tokens([str(turn.get(layout.text)) for turn in layout.turns[1:LOOKED_AT]])
    if not layout.speaker and layout.start and (spans := _speaker_spans(document, clock)):
        yield from _spoken_in(spans, layout, clock)
        return
    ids = {normalize_speaker_id(turn.get(layout.speaker)) for turn in layout.turns} - {""}
    names = find_names_by_id(document, ids)
    if not layout.speaker and not tokens:
        yield from _labelled_in_text(layout, clock, notices)
        return
    spoken = [
        (
            get_speaker_label(turn.get(layout.speaker), names),
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
            yield SpokenPassage(speaker, tuple(TextSpan(said, *times) for _, said, times in group))
        return
    for speaker, said, times in spoken:
        yield from build_segment_passages(speaker, said, times)


def _are_tokens(texts: Sequence[str]) -> bool:
    """Whether texts bring their own blanks, as tokens do: ` No`, `t`."""
    return any(one[:1] == " " for one in texts) and not any(
        " " in one.strip() for one in texts if one[:1] != " "
    )


class _SpeakerSpan(NamedTuple):
    start_ms: int
    end_ms: int
    speaker: str


def _speaker_spans(document: Any, clock: TimeConverter) -> list[_SpeakerSpan]:
    """Who speaks from when to when, as a list beside the words has it; none if there is none."""
    for listed in iter_lists(document, DEPTH):
        turns = [normalize_key_spelling(one) for one in filter_objects(listed)]
        speaker = find_common_key(turns, SPEAKER_KEYS, (str, int, dict))
        start = find_common_key(turns, START_KEYS, (str, int, float))
        end = find_common_key(turns, END_KEYS, (str, int, float))
        if start and not end and (lengths := find_common_key(turns, DURATION_KEYS, (int, float))):
            turns, end = [with_end(turn, start, lengths) for turn in turns], "end"
        if not speaker or not start or not end or find_common_key(turns, TEXT_KEYS, str):
            continue
        times = [clock.span(one.get(start), one.get(end)) for one in turns]
        return [
            _SpeakerSpan(start_ms, end_ms, get_speaker_label(one.get(speaker), {}))
            for one, (start_ms, end_ms) in zip(turns, times, strict=True)
            if start_ms is not None and end_ms is not None
        ]
    return []


def _spoken_in(
    spans: Sequence[_SpeakerSpan], layout: TurnLayout, clock: TimeConverter
) -> Iterator[SpokenPassage]:
    for turn in layout.turns:
        times = clock.span(turn.get(layout.start), turn.get(layout.end) if layout.end else None)
        start_ms = times[0]
        said = [
            one for one in spans if start_ms is not None and one.start_ms <= start_ms <= one.end_ms
        ]
        # Where one ends and another begins, it is the other's.
        who = max(said, key=lambda one: one.start_ms).speaker if said else ""
        yield from build_segment_passages(who, turn[layout.text], times)


def _labelled_in_text(
    layout: TurnLayout, clock: TimeConverter, notices: Notices
) -> Iterator[SpokenPassage]:
    """Turns whose speakers, if any are named, stand before what they say, as in captions."""
    cues: list[Cue] = []
    start_ms = 0
    timed = False
    for turn in layout.turns:
        start, end = clock.span(turn.get(layout.start), turn.get(layout.end))
        timed = timed or start is not None
        start_ms = start_ms if start is None else start
        said = get_text_or_empty(turn.get(layout.text)).replace("&", "&amp;").replace("<", "&lt;")
        cues.append(Cue(start_ms, start_ms if end is None else end, said))
    passages = read_cue_passages(cues, (), notices).passages
    yield from passages if timed else remove_times(passages)


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TURNS,
        FormatFamily.SERVICES,
        ("Any other tool whose JSON holds a list of turns; the report says which keys were used"),
        *adapt_json_functions(has_turns, read_turns),
        (
            '{"meeting": {"items": [{"who": {"displayName": "Odile"}, "said": "How?", "startMs": '
            '1000}, {"who": {"displayName": "Ravi"}, "said": "With a ladder.", "startMs": 3000}]}'
            "}"
        ),
        confidence=POSSIBLE,
        json=True,
    ),
)
