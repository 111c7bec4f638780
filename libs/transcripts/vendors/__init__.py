"""JSON of transcription services, one family a module, and a reader of lists of turns in general.

Each module has ``FORMATS``: for each format of the family whether a decoded document has its
shape, and how its passages are taken from it.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.transcript import TranscriptFormat
from transcripts.notices import Notices
from transcripts.turns import Source
from transcripts.vendors import cloud, meetings, speech_models, speech_services, turn_lists
from transcripts.vendors.format import JsonFormat

_FORMATS: Final[tuple[JsonFormat, ...]] = (
    *speech_models.FORMATS,
    *speech_services.FORMATS,
    *cloud.FORMATS,
    *meetings.FORMATS,
    *turn_lists.FORMATS,  # last: it takes any list of turns
)


def detect(document: Any) -> TranscriptFormat | None:
    """The format whose shape a decoded JSON document has; None if none has."""
    return next((one.format for one in _FORMATS if one.matches(document)), None)


def read(format: TranscriptFormat, document: Any, notices: Notices) -> Source:  # noqa: A002
    """Take the passages out of a document.

    Raises:
        MalformedTranscriptError: it has not the shape of that format.
    """
    return next(one for one in _FORMATS if one.format is format).source(document, notices)


def formats() -> frozenset[TranscriptFormat]:
    """The formats that are read here."""
    return frozenset(one.format for one in _FORMATS)
