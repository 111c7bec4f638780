"""XML of no known tool that holds a list of turns, such as ``<turn who="Ann">…</turn>``.

Elements of one name that stand beside each other are taken as objects are in JSON: attributes and
children as keys, and what they hold as the text. Then it is read as a list of turns is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices
from transcripts.segments.turns import ParsedTranscript
from transcripts.vendors.turn_layouts import find_turn_layout
from transcripts.vendors.turn_lists import read_turns
from transcripts.xml_documents import get_local_name, has_root_element, parse_xml, starts_with_tag

_DEPTH: Final = 6
"""Levels of elements at which lists are looked for."""
_TWICE: Final = 2
_WHO: Final = frozenset({"who", "speaker", "spk", "speaker_name", "speakerName", "voice"})
"""Names of attributes that tell who speaks even if nobody does so again."""
_OF_PAGES: Final = (
    "html", "HTML", "Html", "body", "div", "section", "article", "p", "span", "table", "ul", "ol",
    "dl", "details", "svg", "rss", "feed", "urlset",
)  # fmt: skip
"""Roots of web pages and feeds, whose elements say how they look and not who speaks."""


def is_xml_of_turns(content: str) -> bool:
    """Return whether a text is XML whose repeated elements hold a speaker and words."""
    if not starts_with_tag(content) or has_root_element(content, *_OF_PAGES):
        return False
    try:
        layout = find_turn_layout(_lists(parse_xml(content)))
    except MalformedTranscriptError:
        return False
    if layout is None or not layout.speaker:
        return False
    # Names of settings and titles of news stand once each.
    names = Counter(str(turn.get(layout.speaker)) for turn in layout.turns)
    again = sum(count for count in names.values() if count >= _TWICE)
    return len(names) >= _TWICE and (again > 0 or layout.speaker in _WHO)


def read_xml_of_turns(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse XML, whose repeated elements hold a speaker and words, into passages.

    Raises:
        MalformedTranscriptError: it is no XML, or holds no list of turns.
    """
    del speakers  # the elements name them; roles are given later
    document = _lists(parse_xml(content))
    if find_turn_layout(document) is None:
        raise MalformedTranscriptError("the XML holds no list of turns")
    return read_turns(document, notices)


def _lists(root: ET.Element) -> dict[str, list[dict[str, Any]]]:
    """All lists of elements of one name below one element, by a name of their own."""
    found: dict[str, list[dict[str, Any]]] = {}
    level = [root]
    for _ in range(_DEPTH):
        for parent in level:
            names = Counter(get_local_name(one) for one in parent)
            for name in (name for name, count in names.items() if name and count >= _TWICE):
                listed = [_object(one) for one in parent if get_local_name(one) == name]
                found.setdefault(name, []).extend(listed)
        level = [child for parent in level for child in parent]
    return found


def _object(element: ET.Element) -> dict[str, Any]:
    made: dict[str, Any] = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    for child in element:
        if len(child) == 0 and (said := (child.text or "").strip()):
            made.setdefault(get_local_name(child), said)
    if not len(element) and (said := (element.text or "").strip()):
        made.setdefault("text", said)
    return made


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.XML_TURNS,
        FormatFamily.SERVICES,
        "Any other tool whose XML holds a list of turns; the report says which names were used",
        *adapt_text_functions(is_xml_of_turns, read_xml_of_turns),
        '<interview><turn who="Odile" start="1">How?</turn>'
        '<turn who="Ravi" start="3">With a ladder.</turn></interview>',
        confidence=POSSIBLE,
    ),
)
