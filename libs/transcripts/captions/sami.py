"""Captions of SAMI (.smi), Microsoft's mark-up: a text stands from its time until the next one.

After "Understanding SAMI 1.0" (Microsoft, 2003): ``<SYNC Start=…>`` in milliseconds, paragraphs of
one class for each language, ``ID=Source`` for who speaks. Files are seldom well-formed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cues import Cue, read_cue_passages
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript
from transcripts.text import has_visible_text

_ROOT: Final = re.compile(r"[\s\ufeff]*(?:<\?xml[^<>]{0,200}>\s*)?<SAMI[\s>]", re.IGNORECASE)
_SYNC: Final = re.compile(
    r"<SYNC\s[^<>]{0,100}?\bStart\s*=\s*[\"']?\s*(?P<start>-?\d{1,10})[^<>]{0,100}>", re.IGNORECASE
)
_PARAGRAPH: Final = re.compile(r"<P\b(?P<attributes>[^<>]{0,300})>", re.IGNORECASE)
_CLASS: Final = re.compile(r"\bClass\s*=\s*[\"']?(?P<name>[\w-]{1,60})", re.IGNORECASE)
_SOURCE: Final = re.compile(r"\bID\s*=\s*[\"']?Source\b", re.IGNORECASE)
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,300}>")


def is_sami(content: str) -> bool:
    """Return whether a text is a SAMI caption file."""
    return _ROOT.match(content) is not None


def read_sami(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a SAMI caption file into passages with text and times, in its main language."""
    check_text_length(content)
    body = _COMMENT.sub("", content)
    syncs = list(_SYNC.finditer(body))
    ends = [*[one.start() for one in syncs], len(body)][1:]
    blocks = [
        (int(sync["start"]), list(_paragraphs(body[sync.end() : end])))
        for sync, end in zip(syncs, ends, strict=True)
    ]
    counts = Counter(name for _, said in blocks for name, _, text in said if text)
    language = max(counts, key=counts.__getitem__, default="")
    notices.add(Repair.OTHER_TIER, counts.total() - counts[language])
    return read_cue_passages(list(_cues(blocks, language)), speakers, notices)


_Block = tuple[int, list[tuple[str, bool, str]]]
"""A start, and for each paragraph its class, whether it names who speaks, and its text."""


def _cues(blocks: Sequence[_Block], language: str) -> Iterator[Cue]:
    own = [
        (start_ms, [(is_source, text) for name, is_source, text in said if name == language])
        for start_ms, said in blocks
    ]
    own = [(start_ms, said) for start_ms, said in own if said]  # other languages end no cue
    for (start_ms, said), (end_ms, _) in pairwise([*own, (own[-1][0] if own else 0, [])]):
        name = " ".join(text for is_source, text in said if is_source).strip()
        spoken = "\n".join(text for is_source, text in said if not is_source and text)
        if spoken:
            voice = f"<v {name.rstrip(': ')}>" if name else ""
            start_ms = max(0, start_ms)  # noqa: PLW2901 - shifted captions may begin below zero
            yield Cue(start_ms, max(start_ms, end_ms), voice + spoken)


def _paragraphs(block: str) -> Iterator[tuple[str, bool, str]]:
    begins = list(_PARAGRAPH.finditer(block))
    if not begins:
        yield "", False, _clean(block)
    ends = [*[one.start() for one in begins], len(block)][1:]
    for begin, end in zip(begins, ends, strict=True):
        name = _CLASS.search(begin["attributes"])
        is_source = _SOURCE.search(begin["attributes"]) is not None
        yield name["name"].casefold() if name else "", is_source, _clean(block[begin.end() : end])


def _clean(said: str) -> str:
    """A paragraph's lines as a cue has them: without mark-up, what looks like it escaped."""
    lines = _BREAK.sub("\0", said.replace("\n", " ").replace("\r", " ")).split("\0")
    shown = "\n".join(unescape(_TAG.sub("", line)).strip() for line in lines).strip()
    return shown.replace("&", "&amp;").replace("<", "&lt;") if has_visible_text(shown) else ""


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.SAMI,
        FormatFamily.CAPTIONS,
        "SAMI (.smi): Windows Media, Korean subtitles",
        *adapt_text_functions(is_sami, read_sami),
        "<SAMI><BODY><SYNC Start=1000><P Class=ENUSCC>Odile: How?\n"
        "<SYNC Start=3000><P Class=ENUSCC>Ravi: With a ladder.\n</BODY></SAMI>",
        confidence=CERTAIN,
    ),
)
