"""Annotation documents of ELAN (EAF): a tier a speaker, named by its participant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.research.tiers import Annotation, Tier, merge_tiers
from transcripts.segments.turns import ParsedTranscript
from transcripts.times import parse_whole_ms
from transcripts.xml_documents import has_root_element, parse_xml

_UNITS_MS: Final = {"PAL-frames": 40, "NTSC-frames": 1_001 / 30}
"""Milliseconds of what a time may count but milliseconds."""


def is_eaf(content: str) -> bool:
    """Return whether a text is an EAF file, an annotation document of the program ELAN."""
    return has_root_element(content, "ANNOTATION_DOCUMENT")


def read_eaf(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse an ELAN file (EAF) into passages with times; each tier is one speaker.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # tiers name speakers; roles are given later
    root = parse_xml(content)
    header = root.find("HEADER")
    unit_ms = _UNITS_MS.get(header.get("TIME_UNITS", "") if header is not None else "", 1)
    slots = {
        one.get("TIME_SLOT_ID", ""): None if time is None else round(time * unit_ms)
        for one in root.iter("TIME_SLOT")
        for time in [parse_whole_ms(one.get("TIME_VALUE"))]
    }
    places = {name: place for place, name in enumerate(slots)}
    timed = all(time is not None for time in slots.values())
    tiers: list[Tier] = []
    for tier in root.iter("TIER"):
        annotations: list[Annotation] = []
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            begin, end = one.get("TIME_SLOT_REF1", ""), one.get("TIME_SLOT_REF2", "")
            start_ms = slots.get(begin)
            place = (start_ms or 0) if timed else places.get(begin, 0)
            said = one.findtext("ANNOTATION_VALUE") or ""
            annotations.append(Annotation(said, start_ms, slots.get(end), place))
        name = tier.get("TIER_ID") or ""
        tiers.append(Tier(name, tier.get("PARTICIPANT") or name, annotations))
        notices.add(Repair.UNTIMED_TIER, int(tier.find(".//REF_ANNOTATION") is not None))
    return merge_tiers(tiers)


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.EAF,
        FormatFamily.RESEARCH,
        "ELAN's annotations (.eaf)",
        *adapt_text_functions(is_eaf, read_eaf),
        '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1000"/>'
        '<TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="2000"/></TIME_ORDER><TIER TIER_ID="Odile">'
        '<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">'
        "<ANNOTATION_VALUE>How?</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
        "</ANNOTATION_DOCUMENT>",
        confidence=CERTAIN,
    ),
)
