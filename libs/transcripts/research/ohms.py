"""Interviews of oral history archives in OHMS (Oral History Metadata Synchronizer), as XML.

Version 6 holds WebVTT; earlier versions hold plain text and, apart from it, the minutes at which
lines begin, which are not read. Index, synopsis and rights stand around the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.webvtt import is_webvtt, read_webvtt
from transcripts.errors import EmptyTranscriptError
from transcripts.formats import (
    CERTAIN,
    FormatDefinition,
    FormatFamily,
    TranscriptContent,
    adapt_text_functions,
)
from transcripts.notices import Notices
from transcripts.plain_text.reader import read_plain_transcript
from transcripts.segments.turns import ParsedTranscript
from transcripts.xml_documents import HEAD_LENGTH, get_local_name, has_root_element, parse_xml

_WITHOUT_TEXT: Final = (
    "the OHMS file holds an index and no transcript: export the transcript with it"
)


def is_ohms(content: str) -> bool:
    """Return whether a text is an interview file of OHMS (Oral History Metadata Synchronizer)."""
    return has_root_element(content, "ROOT", "ohms") and (
        "ohms" in content[:HEAD_LENGTH].casefold() or "<vtt_transcript" in content
    )


def read_ohms(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse the transcript in an OHMS file, which is WebVTT or plain text, into passages.

    Raises:
        EmptyTranscriptError: the file has an index only.
        MalformedTranscriptError: it is no XML, or its WebVTT has a broken timing line.
    """
    root = parse_xml(content)
    captions, text = _find_text(root, "vtt_transcript"), _find_text(root, "transcript")
    if is_webvtt(captions):
        return read_webvtt(captions.lstrip(), speakers, notices)
    if not text or text.casefold() == "no transcript.":
        raise EmptyTranscriptError(_WITHOUT_TEXT)
    if is_webvtt(text):
        return read_webvtt(text, speakers, notices)
    return read_plain_transcript(TranscriptContent(text), speakers, notices)


def _find_text(root: ET.Element, name: str) -> str:
    found = (one for one in root.iter() if get_local_name(one) == name)
    return next((text for one in found if (text := "".join(one.itertext()).strip())), "")


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.OHMS,
        FormatFamily.RESEARCH,
        "OHMS of oral history archives: Nunn Center, Aviary",
        *adapt_text_functions(is_ohms, read_ohms),
        '<ROOT xmlns="https://www.weareavp.com/nunncenter/ohms"><record><transcript>'
        "Odile: How?\n\nRavi: With a ladder.</transcript></record></ROOT>",
        confidence=CERTAIN,
    ),
)
