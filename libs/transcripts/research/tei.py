"""TEI transcripts: utterances (``u``, ISO 24624) and speeches (``sp``), perhaps with times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text
from transcripts.times import parse_clock_time, parse_seconds
from transcripts.xml_documents import get_attribute, get_local_name, has_root_element, parse_xml

_UNITS: Final = {"s": 1, "ms": 0.001, "min": 60}
_TURNS: Final = frozenset({"u", "sp"})
_NO_SPEECH: Final = frozenset(
    {"speaker", "stage", "note", "pause", "vocal", "kinesic", "incident", "writing", "desc", "gap",
     "spanGrp", "span", "fw", "head", "bibl", "teiHeader", "standOff", "sic", "orig"}
)  # fmt: skip
_NAMES: Final = ("persName", "name")
_LINES: Final = frozenset({"p", "l", "lb", "lg", "ab", "seg", "s", "w"})
"""Elements that part words."""


def is_tei(content: str) -> bool:
    """Return whether a text is a TEI document (XML) that contains speech."""
    return has_root_element(content, "TEI", "TEI.2", "teiCorpus") and (
        "</u>" in content or "</sp>" in content or ":u>" in content or ":sp>" in content
    )


def read_tei(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a TEI document (XML) into passages with speakers, without stage directions.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # turns name speakers; roles are given later
    root = parse_xml(content)
    names, times = _get_names(root), _get_times(root)
    passages: list[SpokenPassage] = []
    for turn, around in _find_turns(root, None):
        text = "".join(_collect_text(turn))
        if not has_visible_text(text):
            continue
        begin, end = (
            get_attribute(turn, name) or ("" if around is None else get_attribute(around, name))
            for name in ("start", "end")
        )
        piece = TextSpan(text, times.get(begin.lstrip("#")), times.get(end.lstrip("#")))
        passages.append(SpokenPassage(_get_speaker(turn, around, names), (piece,)))
    notices.add(Repair.NO_SPEAKER, sum(not one.speaker for one in passages))
    return ParsedTranscript(tuple(passages))


def _find_turns(
    element: ET.Element, around: ET.Element | None
) -> Iterator[tuple[ET.Element, ET.Element | None]]:
    """The utterances and speeches in order, each with the block around it."""
    for child in element:
        name = get_local_name(child)
        if name in _TURNS:
            yield child, around
        elif name != "teiHeader":
            yield from _find_turns(child, child if name == "annotationBlock" else around)


def _get_names(root: ET.Element) -> dict[str, str]:
    """The names of persons by their ids."""
    names: dict[str, str] = {}
    for person in root.iter():
        if get_local_name(person) in {"person", "personGrp"}:
            named = next((one for one in person.iter() if get_local_name(one) in _NAMES), None)
            stated = "" if named is None else " ".join("".join(named.itertext()).split())
            names[get_attribute(person, "id")] = stated or person.get("n") or ""
    return names


def _get_speaker(turn: ET.Element, around: ET.Element | None, names: Mapping[str, str]) -> str:
    stated = next((one for one in turn if get_local_name(one) == "speaker"), None)
    shown = "" if stated is None else " ".join("".join(stated.itertext()).split()).rstrip(".:, ")
    who = get_attribute(turn, "who") or ("" if around is None else get_attribute(around, "who"))
    ids = [one.rpartition("#")[2] for one in who.split()]
    return " + ".join(filter(None, (names.get(one) for one in ids))) or shown or " + ".join(ids)


def _get_times(root: ET.Element) -> dict[str, int | None]:
    """The points of the time line in milliseconds, by their ids."""
    times: dict[str, int | None] = {}
    for line in (one for one in root.iter() if get_local_name(one) == "timeline"):
        unit = _UNITS.get(line.get("unit", "s"), 1)
        latest: int | None = None
        for when in (one for one in line if get_local_name(one) == "when"):
            since = when.get("since", "").lstrip("#")
            before = times.get(since, 0) if since else latest
            interval = parse_seconds(when.get("interval"))
            absolute = when.get("absolute", "")
            if absolute:
                latest = parse_clock_time(absolute)
            elif interval is not None and before is not None:
                latest = before + round(interval * unit)
            elif not times:
                latest = 0  # the origin
            else:
                latest = None
            times[get_attribute(when, "id")] = latest
    return times


def _collect_text(element: ET.Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = get_local_name(child)
        if name and name not in _NO_SPEECH:
            yield " " if name in _LINES else ""
            yield from _collect_text(child)
        elif name:
            yield " "
        yield child.tail or ""


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TEI,
        FormatFamily.RESEARCH,
        "TEI: utterances (ISO 24624) and speeches",
        *adapt_text_functions(is_tei, read_tei),
        '<TEI xmlns="http://www.tei-c.org/ns/1.0"><text><body><u who="#Odile">How?</u>'
        "</body></text></TEI>",
        confidence=CERTAIN,
    ),
)
