"""Choose what a model reads of a note's evidence: windows of whole sentences with who says them.

A cited turn is read with the sentences around the quote, and with the question that it answers.
What fits into one input is one window; longer evidence is several, each beginning with the last
sentences of the one before. Their number grows with the length of the evidence, and no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from contracts.events import ChunkReady
from contracts.transcript import Role, Segment
from grounding.evidence import QuotedPassage
from grounding.text.addressing import split_sentences
from grounding.text.words import FUNCTION_WORDS, split_words, stem_word

FindTokenEnds = Callable[[str], Sequence[int]]

_SENTENCES_AROUND: Final = 2
"""Sentences that are read before and behind a quote in its own turn."""
_QUESTION_SENTENCES: Final = 3
"""Sentences at the end of the turn before an answer that are read with it."""
_OVERLAP: Final = 4
"""One part in so many of a window is read again in the next one."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sentence of a speaker, or a part of a sentence that is too long for a model's input."""

    turn: int
    speaker: str
    text: str


def list_utterances(passages: Iterable[QuotedPassage], chunk: ChunkReady) -> list[Utterance]:
    """List the sentences in and around the passages that a note cites, in order.

    Args:
        passages: the cited passages; each brings its turn as far as the chunk has it.
        chunk: what the model was shown.
    """
    before = {one.number + 1: one for one in (*chunk.context, *chunk.segments)}
    cited: dict[int, list[QuotedPassage]] = {}
    for passage in passages:
        cited.setdefault(passage.segment.number, []).append(passage)
    chosen: dict[int, list[Utterance]] = {}
    for number, parts in cited.items():
        segment = parts[0].segment
        asked = before.get(number)
        if asked is not None and asked.number not in cited and _is_question(asked, segment):
            last = split_sentences(asked.text)[-_QUESTION_SENTENCES:]
            chosen[asked.number] = [Utterance(asked.number, asked.speaker, one) for one in last]
        chosen[number] = list(_list_around(segment, parts))
    return [one for number in sorted(chosen) for one in chosen[number]]


def _is_question(asked: Segment, answer: Segment) -> bool:
    if asked.speaker == answer.speaker:
        return False
    return asked.role is Role.INTERVIEWER or "?" in asked.text


def _list_around(segment: Segment, passages: Iterable[QuotedPassage]) -> Iterator[Utterance]:
    """Yield the sentences of a turn that passages are in, and a few on either side."""
    sentences = _locate_sentences(segment.text)
    kept: set[int] = set()
    for passage in passages:
        touched = [
            at
            for at, (begin, end) in enumerate(sentences)
            if begin < passage.end and passage.start < end
        ]
        if touched:
            kept.update(range(touched[0] - _SENTENCES_AROUND, touched[-1] + _SENTENCES_AROUND + 1))
    for at, (begin, end) in enumerate(sentences):
        if at in kept:
            yield Utterance(segment.number, segment.speaker, segment.text[begin:end].strip())


def _locate_sentences(text: str) -> list[tuple[int, int]]:
    """Return where each sentence of a text begins and ends, end exclusive."""
    places: list[tuple[int, int]] = []
    at = 0
    for sentence in split_sentences(text):
        begin = text.find(sentence, at)
        if begin < 0:  # normalised while it was split
            return [(0, len(text))]
        at = begin + len(sentence)
        places.append((begin, at))
    return places


def build_windows(
    utterances: Sequence[Utterance], budget: int, find_token_ends: FindTokenEnds
) -> list[str]:
    """Join sentences into overlapping windows of at most ``budget`` tokens.

    Args:
        utterances: in order.
        budget: tokens of a window; at least one is used of it even if a name alone takes more.
        find_token_ends: where each token of a text ends.
    """
    pieces = [one for each in utterances for one in _cut(each, budget, find_token_ends)]
    # With its speaker each, which only the first of a line has: never too few.
    costs = [len(find_token_ends(f"{one.speaker}: {one.text}")) for one in pieces]
    windows: list[str] = []
    begin = 0
    while begin < len(pieces):
        end, used = begin, 0
        while end < len(pieces) and (end == begin or used + costs[end] <= budget):
            used += costs[end]
            end += 1
        windows.append(_join(pieces[begin:end]))
        if end == len(pieces):
            break
        begin = _step_back(costs, begin, end, budget)
    return list(dict.fromkeys(windows))


def _cut(one: Utterance, budget: int, find_token_ends: FindTokenEnds) -> Iterator[Utterance]:
    """Yield an utterance, in pieces if it is longer than a window."""
    room = max(1, budget - len(find_token_ends(f"{one.speaker}: ")))
    ends = find_token_ends(one.text)
    begin = 0
    for last in range(room, len(ends) + room, room):
        end = len(one.text) if last >= len(ends) else ends[last - 1]
        if piece := one.text[begin:end].strip():
            yield Utterance(one.turn, one.speaker, piece)
        begin = end


def _step_back(costs: Sequence[int], begin: int, end: int, budget: int) -> int:
    """Return where the next window begins: a little before the end, always behind the begin."""
    again = end
    while again - 1 > begin and sum(costs[again - 1 : end]) * _OVERLAP <= budget:
        again -= 1
    return again


def _join(pieces: Iterable[Utterance]) -> str:
    turns = groupby(pieces, key=lambda one: (one.turn, one.speaker))
    return "\n".join(
        f"{speaker}: {' '.join(one.text for one in spoken)}" for (_, speaker), spoken in turns
    )


def rank_windows(windows: Sequence[str], sentence: str, limit: int) -> list[str]:
    """Return the ``limit`` windows that share the most words with a sentence, best first."""
    if len(windows) <= 1:
        return list(windows)
    words = _list_stems(sentence)
    shared = [len(words & _list_stems(window)) for window in windows]
    order = sorted(range(len(windows)), key=lambda at: (-shared[at], at))
    return [windows[at] for at in order[:limit]]


def _list_stems(text: str) -> set[str]:
    words = (one.text for one in split_words(text))
    return {stem_word(word) for word in words if word not in FUNCTION_WORDS}
