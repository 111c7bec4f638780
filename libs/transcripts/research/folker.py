"""Transcripts of FOLKER (FLN, FLK): contributions of one speaker each, along a time line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text
from transcripts.times import parse_seconds
from transcripts.xml_documents import has_root_element, parse_xml

_NO_SPEECH: Final = frozenset({"pause", "non-phonological", "breathe"})


def is_folker(content: str) -> bool:
    """Return whether a text is a transcript file of the program FOLKER."""
    return has_root_element(content, "folker-transcription")


def read_folker(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a FOLKER transcript into passages with speakers and times.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # contributions name speakers; roles are given later
    root = parse_xml(content)
    names = {
        one.get("speaker-id", ""): (one.findtext("name") or "").strip()
        for one in root.iter("speaker")
    }
    times = {
        one.get("timepoint-id", ""): parse_seconds(one.get("absolute-time"))
        for one in root.iter("timepoint")
    }
    passages: list[SpokenPassage] = []
    for one in root.iter("contribution"):
        # `<w>`s stand side by side without white space.
        joint = " " if one.find(".//w") is not None else ""
        text = joint.join(_collect_text(one))
        if not has_visible_text(text):
            continue
        speaker = one.get("speaker-reference") or ""
        start_ms = times.get(one.get("start-reference", ""))
        end_ms = times.get(one.get("end-reference", ""))
        piece = TextSpan(text, start_ms, end_ms)
        passages.append(SpokenPassage(names.get(speaker) or speaker, (piece,)))
    notices.add(Repair.NO_SPEAKER, sum(not one.speaker for one in passages))
    return ParsedTranscript(tuple(passages))


def _collect_text(element: ET.Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in _NO_SPEECH:
            yield from _collect_text(child)
        yield child.tail or ""


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.FOLKER,
        FormatFamily.RESEARCH,
        "FOLKER (.fln, .flk)",
        *adapt_text_functions(is_folker, read_folker),
        '<folker-transcription><speakers><speaker speaker-id="O"><name>Odile</name></speaker>'
        '</speakers><timeline><timepoint timepoint-id="a" absolute-time="1"/>'
        '<timepoint timepoint-id="b" absolute-time="2"/></timeline>'
        '<contribution speaker-reference="O" start-reference="a" end-reference="b">'
        "<unparsed>how</unparsed></contribution></folker-transcription>",
        confidence=CERTAIN,
    ),
)
