"""Akoma Ntoso: minutes of parliaments as XML, with an element for each speech."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text
from transcripts.xml_documents import get_attribute, get_local_name, has_root_element, parse_xml

_SPEECHES: Final = frozenset({"speech", "question", "answer"})
_GROUPS: Final = frozenset({"speechGroup", "questions", "debateSection"})
# Within a speech, what stands in the minutes and was not said.
_NO_SPEECH: Final = frozenset(
    {"from", "num", "heading", "subheading", "remark", "recordedTime", "scene", "narrative",
     "summary", "authorialNote", "noteRef", "vote", "count"}
)  # fmt: skip
_NOT_SAID: Final = frozenset({"narrative", "scene", "summary", "p", "communication", "rollCall"})
_PARAGRAPHS: Final = frozenset({"p", "br", "eol", "li", "block", "item", "blockList", "tblock"})


@dataclass(slots=True)
class _Minutes:
    """What was found in the minutes: passages, and how many places hold what nobody says."""

    names: Mapping[str, str]
    passages: list[SpokenPassage]
    not_said: int = 0


def is_akoma_ntoso(content: str) -> bool:
    """Return whether a text is an Akoma Ntoso document with speeches."""
    return has_root_element(content, "akomaNtoso") and any(
        f"</{name}>" in content or f":{name}>" in content for name in _SPEECHES
    )


def read_akoma_ntoso(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse the speeches of an Akoma Ntoso document into passages, without narrative and votes.

    Its times are of day, so passages have none.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # speeches name speakers; roles are given later
    root = parse_xml(content)
    minutes = _Minutes(_get_names(root), [])
    for part in root.iter():
        if get_local_name(part) in {"debateBody", "mainBody", "body"}:
            _collect(part, "", minutes)
    if minutes.not_said:
        notices.guess(
            f"{minutes.not_said:,} places of the minutes that nobody says were passed over"
        )
    notices.add(Repair.NO_SPEAKER, sum(not one.speaker for one in minutes.passages))
    return ParsedTranscript(tuple(minutes.passages))


def _get_names(root: ET.Element) -> dict[str, str]:
    """The names of persons, roles and organisations by their ids."""
    return {
        get_attribute(one, "eId") or get_attribute(one, "id"): get_attribute(one, "showAs")
        for one in root.iter()
        if get_local_name(one) in {"TLCPerson", "TLCRole", "TLCOrganization"}
    }


def _collect(element: ET.Element, by: str, minutes: _Minutes) -> None:
    for child in element:
        name = get_local_name(child)
        around = get_attribute(child, "by") or (by if name in _GROUPS or name in _SPEECHES else "")
        if name in _SPEECHES:
            _collect_speech(child, around, minutes)
        elif name in _NOT_SAID:
            minutes.not_said += has_visible_text("".join(child.itertext()))
        elif name:
            _collect(child, around or by, minutes)


def _collect_speech(speech: ET.Element, by: str, minutes: _Minutes) -> None:
    stated = next((one for one in speech if get_local_name(one) == "from"), None)
    shown = (
        "" if stated is None else " ".join("".join(stated.itertext()).split()).strip(" :.\u2014-")
    )
    place = by.rpartition("#")[2]
    text = "".join(_collect_text(speech))
    if has_visible_text(text):
        speaker = minutes.names.get(place) or shown or place
        minutes.passages.append(SpokenPassage(speaker, (TextSpan(text),)))


def _collect_text(element: ET.Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = get_local_name(child)
        if name and name not in _NO_SPEECH:
            yield " " if name in _PARAGRAPHS else ""
            yield from _collect_text(child)
            yield " " if name in _PARAGRAPHS else ""
        elif name:
            yield " "
        yield child.tail or ""


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.AKOMA_NTOSO,
        FormatFamily.RESEARCH,
        "Akoma Ntoso: minutes of parliaments",
        *adapt_text_functions(is_akoma_ntoso, read_akoma_ntoso),
        '<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><debate><debateBody>'
        '<speech by="#odile"><from>Odile</from><p>How?</p></speech></debateBody></debate>'
        "</akomaNtoso>",
        confidence=CERTAIN,
    ),
)
