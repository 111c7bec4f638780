"""Find the passage a model cites and copy it out of the transcript, with speaker and times.

The model gives a segment's number and how the passage begins and ends; it never writes the quote.
Rules, the same for every note:

- words are compared one by one, blind to case and punctuation, never to a different word;
- the passage begins where ``first_words`` first occur and is the shortest from there that ends
  with ``last_words``; the two may overlap;
- without ``first_words`` it begins with the segment, without ``last_words`` it ends with it, so
  with neither it is the whole segment; words made of punctuation alone count as not given;
- it neither begins nor ends within a hyphenated word: "from go" is no part of "from go-go";
- it takes along the punctuation that opens and closes it (``$``, quotation marks, a full stop).

Of a long turn a chunk has a part only. A passage is looked for in the part, then in the part with
what stands right before it as context; it must not lie in the context alone, since the chunk before
has that. Evidence gives its place in the whole turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, Evidence
from contracts.transcript import Segment, WordTiming
from grounding.text.words import Word, split_words

_OPENING = "$€£¥₹\"“„\u2018'\u2039«([{¿¡#@~"
_HYPHENS = frozenset("-\u2010\u2011")
_CLOSING = ".,;:!?…%‰°+\"”\u2019'\u203a»)]}-\u2013—*"


@dataclass(frozen=True, slots=True)
class QuotedPassage:
    """Character range of a segment's text that a note quotes; the end is exclusive.

    Of a long turn, ``segment`` is what the chunk has of it: its part, with what stands before it.
    """

    segment: Segment
    start: int
    end: int

    @property
    def quote(self) -> str:
        """The transcript's own words in this passage."""
        return self.segment.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class UnresolvedCitation:
    """Citation of a note whose words do not occur in the segment that it names.

    ``in_context``: the segment is context, or the passage lies in what is context of a long turn.
    """

    cited: DraftEvidence
    segment: Segment | None
    in_context: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedCitations:
    """Result of looking up a draft note's citations: passages found, and citations not found."""

    found: tuple[QuotedPassage, ...]
    missing: tuple[UnresolvedCitation, ...]


def resolve_citations(cited: Iterable[DraftEvidence], chunk: ChunkReady) -> ResolvedCitations:
    """Find the text passages that a draft note cites, and merge overlapping ones."""
    turns = {turn.segment.number: turn for turn in _list_turns(chunk)}
    context = {segment.number for segment in chunk.context}
    results = [_resolve_one(one, turns, context) for one in cited]
    return ResolvedCitations(
        found=_merge_overlaps(result for result in results if isinstance(result, QuotedPassage)),
        missing=tuple(result for result in results if isinstance(result, UnresolvedCitation)),
    )


def locate_evidence(evidence: Iterable[Evidence], chunk: ChunkReady) -> tuple[QuotedPassage, ...]:
    """Return the character ranges of an interview chunk from which a note's quotes were copied.

    Quotes of other chunks, which notes that say the same have, and of the context are left out.
    """
    turns = {turn.segment.number: turn.segment for turn in _list_turns(chunk)}
    located = []
    for one in evidence:
        if (turn := turns.get(one.segment)) is not None:
            start = one.start - turn.text_offset
            located.append(QuotedPassage(turn, start, start + one.length))
    return tuple(located)


def list_joined_turns(chunk: ChunkReady) -> tuple[Segment, ...]:
    """Return a chunk's segments; a turn that begins in the context is joined into one."""
    return tuple(turn.segment for turn in _list_turns(chunk))


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a chunk has of a turn, and how many of its first characters are context only."""

    segment: Segment
    shown_only: int = 0


def _list_turns(chunk: ChunkReady) -> Iterator[_Turn]:
    last = chunk.context[-1] if chunk.context else None
    for segment in chunk.segments:
        is_continued = last is not None and last.number == segment.number
        yield _join_parts(last, segment) if last and is_continued else _Turn(segment)


def _join_parts(before: Segment, part: Segment) -> _Turn:
    """Join the part of a turn that is context with the part that comes right after it."""
    gap = part.text_offset - before.text_offset - len(before.text)
    if gap not in {0, 1}:
        return _Turn(part)
    shown_only = len(before.text) + gap
    moved = (word.model_copy(update={"offset": word.offset + shown_only}) for word in part.words)
    joined = before.model_copy(
        update={
            "text": before.text + " " * gap + part.text,
            "end_ms": part.end_ms,
            "words": (*before.words, *moved),
        }
    )
    return _Turn(joined, shown_only)


def _resolve_one(
    cited: DraftEvidence, turns: Mapping[int, _Turn], context: set[int]
) -> QuotedPassage | UnresolvedCitation:
    turn = turns.get(cited.segment)
    if turn is None:
        return UnresolvedCitation(cited, None, in_context=cited.segment in context)
    segment, begin = turn.segment, turn.shown_only
    found = find_passage(segment.text[begin:], cited.first_words, cited.last_words)
    if found is not None:
        return QuotedPassage(segment, begin + found[0], begin + found[1])
    if begin and find_passage(segment.text[:begin], cited.first_words, cited.last_words):
        return UnresolvedCitation(cited, segment, in_context=True)
    if begin and split_words(cited.first_words):
        found = find_passage(segment.text, cited.first_words, cited.last_words)
    return UnresolvedCitation(cited, segment) if found is None else QuotedPassage(segment, *found)


def find_passage(text: str, first_words: str, last_words: str) -> tuple[int, int] | None:
    """Find a passage in a text by its first and last words; return start and end, or None."""
    spoken = split_words(text)
    forms = [word.text for word in spoken]
    first = [word.text for word in split_words(first_words)]
    last = [word.text for word in split_words(last_words)]
    begin = next(
        (at for at in _find_runs(forms, first, 0) if not _splits_hyphenated_word(spoken, at)), None
    )
    if not spoken or begin is None:
        return None
    end = len(forms) if not last else _find_end(spoken, last, begin, begin + len(first))
    if end is None:
        return None
    return _include_opening_punctuation(text, spoken[begin]), _include_closing_punctuation(
        text, spoken[end - 1]
    )


def _find_end(spoken: Sequence[Word], last: Sequence[str], begin: int, at_least: int) -> int | None:
    begin = max(begin, at_least - len(last))
    ends = (at + len(last) for at in _find_runs([word.text for word in spoken], last, begin))
    return next((end for end in ends if not _is_joined(spoken, end - 1)), None)


def _find_runs(forms: Sequence[str], wanted: Sequence[str], begin: int) -> Iterator[int]:
    length = len(wanted)
    for at in range(begin, len(forms) - length + 1):
        if forms[at : at + length] == wanted:
            yield at


def _splits_hyphenated_word(spoken: Sequence[Word], at: int) -> bool:
    """Return whether a place is inside a hyphenated word; one that only stammers does not count."""
    joined = at > 0 and _is_joined(spoken, at - 1)
    return joined and not spoken[at].text.startswith(spoken[at - 1].text)


def _is_joined(spoken: Sequence[Word], at: int) -> bool:
    """Whether a hyphen joins a word to the next one; "3.5-inch" are a number and its unit."""
    is_hyphen = spoken[at].after in _HYPHENS and at + 1 < len(spoken)
    return is_hyphen and not spoken[at].text[0].isdigit()


def _include_opening_punctuation(text: str, word: Word) -> int:
    return len(text[: word.start].rstrip(_OPENING)) if word.before else word.start


def _include_closing_punctuation(text: str, word: Word) -> int:
    run = len(word.after) - len(word.after.lstrip(_CLOSING))
    joined = run == len(word.after) and word.end + run < len(text)
    return word.end if joined else word.end + run


def _merge_overlaps(passages: Iterable[QuotedPassage]) -> tuple[QuotedPassage, ...]:
    ordered = sorted(passages, key=lambda one: (one.segment.number, one.start, one.end))
    merged: list[QuotedPassage] = []
    for _, group in groupby(ordered, key=lambda one: one.segment.number):
        last: QuotedPassage | None = None
        for passage in group:
            if last is not None and passage.start < last.end:
                last = QuotedPassage(last.segment, last.start, max(last.end, passage.end))
                merged[-1] = last
            else:
                merged.append(last := passage)
    return tuple(merged)


def copy_evidence(passage: QuotedPassage) -> Evidence:
    """Copy a cited passage from the transcript: exact quotes with speaker and times."""
    segment = passage.segment
    start_ms, end_ms = _determine_times(passage)
    return Evidence(
        segment=segment.number,
        start=segment.text_offset + passage.start,
        length=passage.end - passage.start,
        quote=passage.quote,
        speaker=segment.speaker,
        role=segment.role,
        start_ms=start_ms,
        end_ms=end_ms,
    )


def _determine_times(passage: QuotedPassage) -> tuple[int | None, int | None]:
    """Return begin and end in milliseconds: by the words' times if known, else the segment's."""
    segment = passage.segment
    spoken = split_words(passage.quote)
    first = _find_word_timing(segment, passage.start + spoken[0].start)
    last = _find_word_timing(segment, passage.start + spoken[-1].end - 1)
    begin = first.start_ms if first else segment.start_ms
    end = last.end_ms if last else segment.end_ms
    if begin is not None and end is not None:
        end = max(begin, end)
    return begin, end


def _find_word_timing(segment: Segment, offset: int) -> WordTiming | None:
    """Return the last timed word that begins at or before an offset, if there is one."""
    at_or_before = (word for word in reversed(segment.words) if word.offset <= offset)
    return next(at_or_before, None)
