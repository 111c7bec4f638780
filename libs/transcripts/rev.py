"""Rev's JSON, from its editor and from its API.

The editor has ``speakers[{id, name, note}]`` and ``monologues[{speaker, spans[{value, ts,
endTs}]}]``; the API has ``monologues[{speaker, elements[{value, ts, end_ts}]}]`` without names.
Values are put together as they are: spaces and punctuation are values of their own. Times are in
seconds; ``offsetSeconds`` shifts them. A word may share an untimed span with others.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts import documents
from transcripts.formats import Family, Format, by_document
from transcripts.notices import Mended, Notices
from transcripts.text import Piece, says_something
from transcripts.times import from_seconds, offset_seconds, ordered
from transcripts.turns import Passage, Source


def is_rev(document: Any) -> bool:
    """Return whether a JSON document is a transcript of Rev."""
    return isinstance(document, dict) and isinstance(document.get("monologues"), list)


def read_rev(document: Any, notices: Notices) -> Source:
    """Read a Rev document.

    Raises:
        MalformedTranscriptError: a part of it is missing.
    """
    monologues = documents.objects(document, "monologues", "the document")
    listed = (
        documents.objects(document, "speakers", "the document") if "speakers" in document else []
    )
    names = documents.names(listed, "id", notices)
    offset_s = offset_seconds(document.get("offsetSeconds"))
    passages = tuple(
        _passage(monologue, f"monologue {number}", names, offset_s, notices)
        for number, monologue in enumerate(monologues, start=1)
    )
    return Source(passages, _notes(listed, names))


def _passage(
    monologue: dict[str, Any], where: str, names: dict[str, str], offset_s: float, notices: Notices
) -> Passage:
    spans = documents.objects(monologue, "spans" if "spans" in monologue else "elements", where)
    pieces = tuple(_piece(span, where, offset_s, notices) for span in spans)
    notices.add(
        Mended.TURN_WITHOUT_TEXT, int(not any(says_something(piece.text) for piece in pieces))
    )
    return Passage(_speaker(monologue, names), pieces)


def _speaker(monologue: dict[str, Any], names: dict[str, str]) -> str:
    identifier = documents.reference(monologue.get("speaker"))
    return names.get(identifier, f"Speaker {identifier}".strip())


def _piece(span: dict[str, Any], where: str, offset_s: float, notices: Notices) -> Piece:
    value = span.get("value")
    if type(value) is not str:
        value = documents.text_of(span, "value", where)
    start_ms = from_seconds(span.get("ts"), offset_s, notices)
    end_ms = from_seconds(span.get("endTs", span.get("end_ts")), offset_s, notices)
    if start_ms is not None and end_ms is not None and end_ms < start_ms:
        end_ms = ordered(start_ms, end_ms, notices)
    return Piece(value, start_ms, end_ms)


def _notes(listed: list[dict[str, Any]], names: dict[str, str]) -> dict[str, str]:
    notes = ((documents.reference(one.get("id")), one.get("note")) for one in listed)
    return {
        names.get(identifier, f"Speaker {identifier}"): note
        for identifier, note in notes
        if isinstance(note, str)
    }


FORMATS: Final = (
    Format(
        TranscriptFormat.REV,
        Family.SERVICES,
        "Rev: the API and the editor",
        *by_document(is_rev, read_rev),
        '{"speakers": [{"id": 1, "name": "Odile"}], "monologues": [{"speaker": 1, "spans": '
        '[{"value": "How", "ts": 1.0, "endTs": 2.0}, {"value": "?"}]}]}',
        json=True,
        holder="monologue",
    ),
)
