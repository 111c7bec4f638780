"""All formats, and the one that a content has: by its shape, the surest first.

A new format is a ``FormatDefinition`` in a module listed here, with a name in
``contracts.transcript.TranscriptFormat``; the tests and ``docs/formats.md`` follow the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from contracts.transcript import TranscriptFormat
from transcripts.captions import microdvd, sami, srt, webvtt
from transcripts.formats import FormatDefinition, TranscriptContent
from transcripts.plain_text import latex
from transcripts.plain_text import reader as plain
from transcripts.research import (
    akoma_ntoso,
    chat,
    elan,
    exmaralda,
    folker,
    ohms,
    praat,
    scoring_references,
    tei,
    transcriber,
)
from transcripts.tables import reader as tables
from transcripts.vendors import (
    amberscript,
    cloud,
    imessage_texts,
    line_chats,
    markup_files,
    meetings,
    message_pages,
    rev,
    speech_models,
    speech_services,
    turn_lists,
    xml_turns,
)

FORMATS: Final[tuple[FormatDefinition, ...]] = (
    *webvtt.FORMATS,
    *srt.FORMATS,
    *microdvd.FORMATS,
    *sami.FORMATS,
    *markup_files.FORMATS,
    *elan.FORMATS,
    *chat.FORMATS,
    *praat.FORMATS,
    *transcriber.FORMATS,
    *exmaralda.FORMATS,
    *folker.FORMATS,
    *tei.FORMATS,
    *ohms.FORMATS,
    *akoma_ntoso.FORMATS,
    *scoring_references.FORMATS,
    *tables.FORMATS,
    *latex.FORMATS,
    *plain.FORMATS,
    *speech_models.FORMATS,
    *speech_services.FORMATS,
    *cloud.FORMATS,
    *rev.FORMATS,
    *amberscript.FORMATS,
    *meetings.FORMATS,
    *message_pages.FORMATS,
    *imessage_texts.FORMATS,
    *line_chats.FORMATS,
    *turn_lists.FORMATS,
    *xml_turns.FORMATS,
)
_BY_NAME: Final = {one.name: one for one in FORMATS}
_BY_CONFIDENCE: Final = tuple(sorted(FORMATS, key=lambda one: -one.confidence))


@dataclass(frozen=True, slots=True)
class RecognisedFormat:
    """Format recognised in a text, with its confidence and other formats that are as likely.

    Attributes:
        format: the surest one.
        confidence: how sure, above 0, at most 1.
        others: formats that are as likely; the content is in doubt if there are any.
    """

    format: FormatDefinition
    confidence: float
    others: tuple[FormatDefinition, ...] = ()


def get_format(name: TranscriptFormat) -> FormatDefinition:
    """Return the definition of a transcript format by its name."""
    return _BY_NAME[name]


def recognise_format(content: TranscriptContent) -> RecognisedFormat | None:
    """Recognise the format of a transcript's text; None if no known format fits.

    Raises:
        MalformedTranscriptError: it is meant as JSON and is not.
    """
    for confidence, group in groupby(_candidates(content), key=lambda one: one.confidence):
        found = [one for one in group if one.recognises(content)]
        if found:
            return RecognisedFormat(found[0], confidence, tuple(found[1:]))
    return None


def _candidates(content: TranscriptContent) -> Iterator[FormatDefinition]:
    """The formats that may be tried, the surest first: JSON ones, or others."""
    yield from (one for one in _BY_CONFIDENCE if one.json is content.is_json)
