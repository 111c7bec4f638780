"""Amberscript's JSON.

``speakers[{spkid, name}]`` and ``segments[{speaker, words[{start, end, text}]}]``, times in
seconds. Words carry their punctuation and stand one space apart; ``startTimeOffset`` shifts all
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_json_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text
from transcripts.times import clamp_end_time, parse_time_shift, seconds_to_ms
from transcripts.vendors import json_documents as documents

_SHORTEST_RUN = 10  # the aligner gives a few quick words one instant even where it is right


def is_amberscript(document: Any) -> bool:
    """Return whether a JSON document is an export of the service Amberscript.

    WhisperX has segments with words too, but no list of speakers, and ``word`` for ``text``.
    """
    return (
        isinstance(document, dict)
        and isinstance(document.get("speakers"), list)
        and isinstance(document.get("segments"), list)
        and all(isinstance(one, dict) and "words" in one for one in document["segments"])
    )


def read_amberscript(document: Any, notices: Notices) -> ParsedTranscript:
    """Parse an export of the service Amberscript (JSON) into passages with speakers and times.

    Raises:
        MalformedTranscriptError: a part of it is missing.
    """
    segments = documents.require_objects(document, "segments", "the document")
    names = documents.map_speaker_labels(
        documents.require_objects(document, "speakers", "the document"), "spkid", notices
    )
    offset_s = parse_time_shift(document.get("startTimeOffset"))
    passages = tuple(
        _passage(segment, f"segment {number}", names, offset_s, notices)
        for number, segment in enumerate(segments, start=1)
    )
    notices.add(Repair.SAME_INSTANT, _words_at_one_instant(passages))
    return ParsedTranscript(passages)


def _passage(
    segment: dict[str, Any], where: str, names: dict[str, str], offset_s: float, notices: Notices
) -> SpokenPassage:
    words = documents.require_objects(segment, "words", where)
    pieces = tuple(_piece(word, where, offset_s, notices) for word in words)
    notices.add(
        Repair.TURN_WITHOUT_TEXT, int(not any(has_visible_text(piece.text) for piece in pieces))
    )
    identifier = documents.normalize_speaker_id(segment.get("speaker"))
    return SpokenPassage(names.get(identifier, identifier), pieces)


def _piece(word: dict[str, Any], where: str, offset_s: float, notices: Notices) -> TextSpan:
    start_ms = seconds_to_ms(word.get("start"), offset_s, notices)
    end_ms = seconds_to_ms(word.get("end"), offset_s, notices)
    text = documents.get_text(word, "text", where)
    return TextSpan(f" {text}", start_ms, clamp_end_time(start_ms, end_ms, notices))


def _words_at_one_instant(passages: Sequence[SpokenPassage]) -> int:
    """Count the words of runs without duration, which the aligner left where it lost track."""
    words = (piece for passage in passages for piece in passage.pieces)
    instants = (word.start_ms if word.start_ms == word.end_ms else None for word in words)
    runs = ((instant, sum(1 for _ in run)) for instant, run in groupby(instants))
    return sum(
        length for instant, length in runs if instant is not None and length >= _SHORTEST_RUN
    )


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.AMBERSCRIPT,
        FormatFamily.SERVICES,
        "Amberscript",
        *adapt_json_functions(is_amberscript, read_amberscript),
        '{"speakers": [{"spkid": "spk1", "name": "Odile"}], "segments": [{"speaker": "spk1", '
        '"words": [{"start": 1.0, "end": 2.0, "text": "How?"}]}]}',
        confidence=POSSIBLE + 0.05,  # WhisperX may have a list of speakers as well
        json=True,
        holder="segment",
    ),
)
