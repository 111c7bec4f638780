"""Files of Transcriber (TRS): turns of one speaker or of several at once, with times within."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text
from transcripts.times import parse_seconds
from transcripts.xml_documents import has_root_element, parse_xml


def is_transcriber(content: str) -> bool:
    """Return whether a text is a file of the program Transcriber (TRS)."""
    return has_root_element(content, "Trans")


def read_transcriber(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse a file of the program Transcriber into passages with speakers and times.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # turns name speakers; roles are given later
    root = parse_xml(content)
    names = {one.get("id", ""): one.get("name", "") for one in root.iter("Speaker")}
    passages: list[SpokenPassage] = []
    for turn in root.iter("Turn"):
        passages += _read_turn(turn, names)
    notices.add(Repair.NO_SPEAKER, sum(not one.speaker for one in passages))
    return ParsedTranscript(tuple(passages))


def _read_turn(turn: ET.Element, names: Mapping[str, str]) -> Iterator[SpokenPassage]:
    """What is said in a turn, in a passage for each time and each speaker within it."""
    ids = (turn.get("speaker") or "").split()
    labels = [names.get(one) or one for one in ids]
    speaker = " + ".join(labels)
    start_ms = parse_seconds(turn.get("startTime"))
    said: list[tuple[str, int | None, list[str]]] = [(speaker, start_ms, [turn.text or ""])]
    for child in turn:
        if child.tag == "Sync":
            time = parse_seconds(child.get("time"))
            start_ms = start_ms if time is None else time
            said.append((speaker, start_ms, []))
        elif child.tag == "Who":
            number = child.get("nb", "")
            place = int(number) - 1 if number.isdecimal() and len(number) < len("1000") else -1
            speaker = labels[place] if 0 <= place < len(labels) else speaker
            said.append((speaker, start_ms, []))
        said[-1][2].append(child.tail or "")
    ends = [start for _, start, _ in said[1:]] + [parse_seconds(turn.get("endTime"))]
    for (name, start, texts), end in zip(said, ends, strict=True):
        text = " ".join(texts)
        if has_visible_text(text):
            end_ms = end if start is None or end is None else max(start, end)
            yield SpokenPassage(name, (TextSpan(text, start, end_ms),))


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TRANSCRIBER,
        FormatFamily.RESEARCH,
        "Transcriber (.trs)",
        *adapt_text_functions(is_transcriber, read_transcriber),
        '<Trans><Speakers><Speaker id="spk1" name="Odile"/></Speakers><Episode><Section>'
        '<Turn speaker="spk1" startTime="1" endTime="2"><Sync time="1"/>How?</Turn>'
        "</Section></Episode></Trans>",
        confidence=CERTAIN,
    ),
)
