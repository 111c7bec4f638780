"""TextGrids of Praat, long and short: an interval tier a speaker, named by the tier.

Tools that align sound and text write tiers of words and of sounds too, for each speaker or for the
only one, such as ``Odile - words`` and ``Odile - phones``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.research.tiers import Annotation, Tier, merge_tiers
from transcripts.segments.turns import ParsedTranscript
from transcripts.times import parse_seconds
from transcripts.xml_documents import HEAD_LENGTH

_SIGNATURE: Final = re.compile(r"\ufeff?\s*File type = \"ooTextFile|\ufeff?\s*\"ooTextFile")
# Praat itself reads texts in quotation marks, numbers that stand free and `<exists>`, and takes
# all else for comments.
_VALUE: Final = re.compile(
    r"!.*|\"(?P<text>[^\"]*(?:\"\"[^\"]*)*)\""
    r"|(?<!\S)(?P<number>-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?!\S)"
)
_PHRASES: Final = "utterances?|sentences?|phrases?|turns?|transcriptions?|transcripts?|speech|text"
_WORDS: Final = "words?|orth?|orthography|ort-mau|tokens?"
_OTHERS: Final = (
    "phone(?:me)?s?|segments?|syll?(?:able)?s?|mau|kan(?:-mas)?|silences?|intonation|tones?|pitch|events?|"
    "notes?|comments?|gloss(?:es)?|translations?|pos|lemmas?|breaks?|ipa|misc|noise"
)
_LAYER: Final = re.compile(
    rf"(?:(?P<speaker>.+?)\s*[-_:/]\s*)?(?:(?P<phrases>{_PHRASES})|(?P<words>{_WORDS})"
    rf"|(?P<others>{_OTHERS}))",
    re.IGNORECASE,
)
_SILENCE: Final = re.compile(
    r"<?(?:sil|sp|spn|p:?|pause|silence|silent|sounding)>?|[#_]+", re.IGNORECASE
)
_LONGEST_NAME: Final = 200
_LONGEST_COUNT: Final = 9
_POINTS: Final = "TextTier"
_INTERVALS: Final = "IntervalTier"


def is_textgrid(content: str) -> bool:
    """Return whether a text is a TextGrid, a file of the phonetics program Praat."""
    head = content[:HEAD_LENGTH]
    return _SIGNATURE.match(head) is not None and '"TextGrid"' in head


def read_textgrid(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a Praat TextGrid into passages with times; each tier of words is one speaker.

    Raises:
        MalformedTranscriptError: a tier ends before all of its intervals.
    """
    del speakers  # tiers name speakers; roles are given later
    tiers = list(_read_tiers(content))
    names = [tier.name.strip().strip("\"'").strip() for tier in tiers]
    layers = [_LAYER.fullmatch(name[:_LONGEST_NAME]) for name in names]
    phrased = {match["speaker"] for match in layers if match and match["phrases"]}
    spoken: list[Tier] = []
    for tier, name, layer in zip(tiers, names, layers, strict=True):
        is_second = layer is not None and (
            layer["others"] or (layer["words"] and layer["speaker"] in phrased)
        )
        if is_second or not tier.annotations:
            notices.add(Repair.SECOND_TIER, int(bool(tier.annotations)))
            continue
        speaker = name if layer is None else layer["speaker"] or ""
        spoken.append(Tier(tier.name, speaker, tier.annotations))
    notices.add(Repair.NO_SPEAKER, sum(not tier.speaker for tier in spoken))
    return merge_tiers(spoken)


def _read_tiers(content: str) -> Iterator[Tier]:
    """The tiers with what stands in their intervals; for a tier of points, all of its marks."""
    values = _Values(content)
    while (kind := values.find_tier()) is not None:
        name = values.take_text()
        values.take_number()
        values.take_number()
        count = values.take_number()
        if not count.isdecimal() or len(count) > _LONGEST_COUNT:
            raise MalformedTranscriptError("a tier of the TextGrid does not count its intervals")
        annotations: list[Annotation] = []
        for _ in range(int(count)):
            start_ms = parse_seconds(values.take_number())
            end_ms = parse_seconds(values.take_number()) if kind == _INTERVALS else None
            said = values.take_text()
            if said.strip() and not _SILENCE.fullmatch(said.strip()):
                annotations.append(Annotation(said, start_ms, end_ms, start_ms or 0))
        if kind == _INTERVALS:
            yield Tier(name, name, annotations)
        elif annotations:
            yield Tier("notes", "", annotations)


class _Values:
    """The free-standing values of a TextGrid, one after the other."""

    def __init__(self, content: str) -> None:
        self._found = _VALUE.finditer(content)

    def find_tier(self) -> str | None:
        """Go on to the next tier and return its class; None at the end."""
        for match in self._found:
            if match["text"] in {_INTERVALS, _POINTS}:
                return match["text"]
        return None

    def take_number(self) -> str:
        """Return the next number; texts before it are passed over."""
        for match in self._found:
            if match["number"] is not None:
                return match["number"]
        raise MalformedTranscriptError("a tier of the TextGrid ends before all of its intervals")

    def take_text(self) -> str:
        """Return the next text; numbers before it are passed over."""
        for match in self._found:
            if match["text"] is not None:
                return match["text"].replace('""', '"')
        raise MalformedTranscriptError("a tier of the TextGrid ends before all of its intervals")


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TEXTGRID,
        FormatFamily.RESEARCH,
        "Praat's TextGrid: also MAUS, the Montreal Forced Aligner",
        *adapt_text_functions(is_textgrid, read_textgrid),
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n'
        '"IntervalTier"\n"Odile"\n0\n2\n1\n1\n2\n"How?"\n',
        confidence=CERTAIN,
    ),
)
