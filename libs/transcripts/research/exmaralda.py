"""Basic transcriptions of EXMARaLDA (EXB): tiers of events along a time line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.research.tiers import Annotation, Tier, merge_tiers
from transcripts.segments.turns import ParsedTranscript
from transcripts.times import parse_seconds
from transcripts.xml_documents import has_root_element, parse_xml

_TRANSCRIBED: Final = "t"
"""Type of the tiers that hold what was said; others annotate or describe it."""


def is_exmaralda(content: str) -> bool:
    """Return whether a text is a transcription file of the program EXMARaLDA (EXB)."""
    return has_root_element(content, "basic-transcription")


def read_exmaralda(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse an EXMARaLDA file into passages with speakers and times.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # tiers name speakers; roles are given later
    root = parse_xml(content)
    names = {
        one.get("id", ""): (one.findtext("abbreviation") or "").strip()
        for one in root.iter("speaker")
    }
    points = [(one.get("id", ""), parse_seconds(one.get("time"))) for one in root.iter("tli")]
    times = dict(points)
    places = {name: place for place, (name, _) in enumerate(points)}
    tiers: list[Tier] = []
    for tier in root.iter("tier"):
        if tier.get("type") != _TRANSCRIBED:
            notices.add(Repair.SECOND_TIER, int(tier.find("event") is not None))
            continue
        owner = tier.get("speaker") or ""
        annotations = [
            Annotation(
                "".join(event.itertext()),
                times.get(event.get("start", "")),
                times.get(event.get("end", "")),
                places.get(event.get("start", ""), 0),
            )
            for event in tier.iter("event")
        ]
        label = tier.get("display-name") or tier.get("id") or owner
        tiers.append(Tier(label, names.get(owner) or owner, annotations))
    unowned = [tier.name for tier in tiers if not tier.speaker and tier.annotations]
    notices.add(Repair.NO_SPEAKER, len(unowned))
    read = merge_tiers(tiers)
    if len(unowned) > 1:
        doubt = (
            f"the tiers “{unowned[0]}” and “{unowned[1]}” belong to no speaker: one may be notes "
            "on the other"
        )
        return replace(read, doubts=(*read.doubts, doubt))
    return read


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.EXMARALDA,
        FormatFamily.RESEARCH,
        "EXMARaLDA's basic transcriptions (.exb)",
        *adapt_text_functions(is_exmaralda, read_exmaralda),
        '<basic-transcription><head><speakertable><speaker id="a"><abbreviation>Odile'
        "</abbreviation></speaker></speakertable></head><basic-body><common-timeline>"
        '<tli id="T0" time="1"/><tli id="T1" time="2"/></common-timeline><tier id="TIE0" '
        'speaker="a" category="v" type="t"><event start="T0" end="T1">How?</event></tier>'
        "</basic-body></basic-transcription>",
        confidence=CERTAIN,
    ),
)
