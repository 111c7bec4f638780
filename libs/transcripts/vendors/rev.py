"""Rev's JSON, from its editor and from its API.

The editor has ``speakers[{id, name, note}]`` and ``monologues[{speaker, spans[{value, ts,
endTs}]}]``; the API has ``monologues[{speaker, elements[{value, ts, end_ts}]}]`` without names;
of what people transcribe it has ``timestamp`` and ``end_timestamp``, as `00:00:01,480`.
Values are put together as they are: spaces and punctuation are values of their own. Times are in
seconds; ``offsetSeconds`` shifts them. A word may share an untimed span with others.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import FormatDefinition, FormatFamily, adapt_json_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text, new_text_span
from transcripts.times import clamp_end_time, parse_clock_time, parse_time_shift, seconds_to_ms
from transcripts.vendors import json_documents as documents
from transcripts.vendors.words import filter_objects


def is_rev(document: Any) -> bool:
    """Return whether a JSON document is a transcript of the service Rev."""
    monologues = document.get("monologues") if isinstance(document, dict) else None
    if not isinstance(monologues, list):
        return False
    # Others call turns monologues too, and have their text in one piece, or beside its elements.
    whole = [
        any(isinstance(one.get(key), str) for key in ("text", "content", "transcript"))
        and not _has_values(one)
        for one in monologues
        if isinstance(one, dict)
    ]
    return not whole or not all(whole)


def _has_values(monologue: dict[str, Any]) -> bool:
    listed = monologue.get("elements", monologue.get("spans"))
    return any("value" in one for one in filter_objects(listed))


def read_rev(document: Any, notices: Notices) -> ParsedTranscript:
    """Parse a transcript of the service Rev (JSON) into passages with speakers and times.

    Raises:
        MalformedTranscriptError: a part of it is missing.
    """
    monologues = documents.require_objects(document, "monologues", "the document")
    listed = (
        documents.require_objects(document, "speakers", "the document")
        if "speakers" in document
        else []
    )
    names = documents.map_speaker_labels(listed, "id", notices)
    offset_s = parse_time_shift(document.get("offsetSeconds"))
    passages = tuple(
        _passage(monologue, f"monologue {number}", names, offset_s, notices)
        for number, monologue in enumerate(monologues, start=1)
    )
    return ParsedTranscript(passages, _notes(listed, names))


def _passage(
    monologue: dict[str, Any], where: str, names: dict[str, str], offset_s: float, notices: Notices
) -> SpokenPassage:
    spans = documents.require_objects(
        monologue, "spans" if "spans" in monologue else "elements", where
    )
    pieces = tuple([_piece(span, where, offset_s, notices) for span in spans])
    notices.add(
        Repair.TURN_WITHOUT_TEXT, int(not any(has_visible_text(piece.text) for piece in pieces))
    )
    return SpokenPassage(_speaker(monologue, names), pieces)


def _speaker(monologue: dict[str, Any], names: dict[str, str]) -> str:
    identifier = documents.normalize_speaker_id(monologue.get("speaker"))
    return names.get(identifier, f"Speaker {identifier}".strip())


def _piece(span: dict[str, Any], where: str, offset_s: float, notices: Notices) -> TextSpan:
    value = span.get("value")
    if type(value) is not str:
        value = documents.get_text(span, "value", where)
    start, end = span.get("ts"), span.get("endTs", span.get("end_ts"))
    if start is None and end is None:
        start, end = _parse_clock(span, "timestamp"), _parse_clock(span, "end_timestamp")
    if start is None and end is None:  # punctuation and blanks
        return new_text_span((value, None, None))
    start_ms = seconds_to_ms(start, offset_s, notices)
    end_ms = seconds_to_ms(end, offset_s, notices)
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        end_ms = clamp_end_time(start_ms, end_ms, notices)
    return new_text_span((value, start_ms, end_ms))


def _parse_clock(span: dict[str, Any], name: str) -> float | None:
    """The seconds of a time such as `00:00:01,480`; None if there is none."""
    stated = span.get(name)
    time_ms = parse_clock_time(stated) if isinstance(stated, str) else None
    return None if time_ms is None else time_ms / 1_000


def _notes(listed: list[dict[str, Any]], names: dict[str, str]) -> dict[str, str]:
    notes = ((documents.normalize_speaker_id(one.get("id")), one.get("note")) for one in listed)
    return {
        names.get(identifier, f"Speaker {identifier}"): note
        for identifier, note in notes
        if isinstance(note, str)
    }


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.REV,
        FormatFamily.SERVICES,
        "Rev: the API and the editor",
        *adapt_json_functions(is_rev, read_rev),
        '{"speakers": [{"id": 1, "name": "Odile"}], "monologues": [{"speaker": 1, "spans": '
        '[{"value": "How", "ts": 1.0, "endTs": 2.0}, {"value": "?"}]}]}',
        json=True,
        holder="monologue",
    ),
)
