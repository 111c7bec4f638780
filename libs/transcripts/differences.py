"""What differs between two readings of one transcript: speakers, roles, starts and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from contracts.transcript import Segment

TOLERANCE_MS: Final = 20
"""Starts that are no further apart count as equal."""
_MOST_WORDS_SHOWN: Final = 8
_MOST_WORDS_COMPARED: Final = 2_000
"""A longer stretch without a word in common, at the same place of both, is compared no further."""


@dataclass(frozen=True, slots=True)
class ParseDifference:
    """Difference between two parses of one transcript: in speaker, role, time or words.

    Attributes:
        what: ``speaker``, ``role``, ``start`` or ``words``.
        sentence: for people; quotes a few words at most.
        segment: the number of the segment in the newer reading where it is first met; None if it
            is in none.
    """

    what: str
    sentence: str
    segment: int | None = None


class _Word(NamedTuple):
    text: str
    segment: Segment
    first: bool


def compare_transcript_parses(
    older: Sequence[Segment], newer: Sequence[Segment]
) -> list[ParseDifference]:
    """Compare two parses of a transcript; return differences in speakers, times and words."""
    old, new = _words(older), _words(newer)
    blocks = list(_blocks([one.text for one in old], [one.text for one in new]))
    pairs = [(old[left], new[right]) for left, right, same in _places(blocks) if same]
    return [
        *_speakers(pairs),
        *_roles(older, newer),
        *_starts(pairs),
        *_lost_and_found(old, new, blocks),
    ]


def _words(segments: Sequence[Segment]) -> list[_Word]:
    return [
        _Word(word, segment, position == 0)
        for segment in segments
        for position, word in enumerate(segment.text.split())
    ]


_Block = tuple[str, int, int, int, int]


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Block]:
    """Yield the stretches of two lists of words, with the tags that ``difflib`` gives them."""
    begin, least = 0, min(len(old), len(new))
    while begin < least and old[begin] == new[begin]:
        begin += 1
    behind = 0
    while behind < least - begin and old[-1 - behind] == new[-1 - behind]:
        behind += 1
    if begin:
        yield "equal", 0, begin, 0, begin
    left, right = old[begin : len(old) - behind], new[begin : len(new) - behind]
    if max(len(left), len(right)) > _MOST_WORDS_COMPARED and not set(left) & set(right):
        yield "replace", begin, begin + len(left), begin, begin + len(right)
    else:
        for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            yield tag, begin + a, begin + b, begin + c, begin + d
    if behind:
        yield "equal", len(old) - behind, len(old), len(new) - behind, len(new)


def _places(blocks: Sequence[_Block]) -> Iterator[tuple[int, int, bool]]:
    for tag, a, b, c, _ in blocks:
        if tag == "equal":
            yield from ((a + at, c + at, True) for at in range(b - a))


def _speakers(pairs: Sequence[tuple[_Word, _Word]]) -> Iterator[ParseDifference]:
    counts: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], int] = {}
    for old, new in pairs:
        moved = (old.segment.speaker, new.segment.speaker)
        if moved[0] != moved[1]:
            counts[moved] += 1
            places.setdefault(moved, new.segment.number)
    for (before, now), count in counts.most_common():
        yield ParseDifference(
            "speaker", f"{_count(count)} of {before} are now {now}'s", places[before, now]
        )


def _roles(older: Sequence[Segment], newer: Sequence[Segment]) -> Iterator[ParseDifference]:
    before = {one.speaker: one.role for one in older}
    first = {one.speaker: one for one in reversed(newer)}
    for speaker, one in first.items():
        if speaker in before and before[speaker] is not one.role:
            yield ParseDifference(
                "role", f"{speaker} was {before[speaker].value} and is {one.role.value}", one.number
            )


def _starts(pairs: Sequence[tuple[_Word, _Word]]) -> Iterator[ParseDifference]:
    moved = [
        (old.segment, new.segment)
        for old, new in pairs
        if old.first and new.first and not _are_near(old.segment.start_ms, new.segment.start_ms)
    ]
    if moved:
        old, new = moved[0]
        count = f"{len(moved):,} turns start" if len(moved) > 1 else "1 turn starts"
        yield ParseDifference(
            "start",
            f"{count} at another time, the first at {_ms(new.start_ms)} instead of "
            f"{_ms(old.start_ms)}",
            new.number,
        )
    inside = [new.segment.number for old, new in pairs if old.first != new.first]
    if inside:
        yield ParseDifference(
            "start", f"{len(inside):,} turns begin or end at another word", inside[0]
        )


def _are_near(one: int | None, other: int | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE_MS


def _lost_and_found(
    old: Sequence[_Word], new: Sequence[_Word], blocks: Sequence[_Block]
) -> Iterator[ParseDifference]:
    for tag, a, b, c, d in blocks:
        if tag != "equal":
            number = new[min(c, len(new) - 1)].segment.number if new else None
            before = [one.text for one in old[a:b]]
            now = [one.text for one in new[c:d]]
            if before:
                yield ParseDifference(
                    "words", f"{_count(len(before))} gone: {_shown(before)}", number
                )
            if now:
                yield ParseDifference("words", f"{_count(len(now))} added: {_shown(now)}", number)


def _shown(words: Sequence[str]) -> str:
    more = " …" if len(words) > _MOST_WORDS_SHOWN else ""
    return f"“{' '.join(words[:_MOST_WORDS_SHOWN])}{more}”"


def _count(words: int) -> str:
    return "1 word" if words == 1 else f"{words:,} words"


def _ms(moment: int | None) -> str:
    return "no time" if moment is None else f"{moment:,} ms"
