"""Decide notes by as few scores as it takes: the likeliest window of each sentence comes first.

A statement counts as its worst sentence, and a sentence as its best window, whatever is scored. So
once a window confirms a sentence, its other windows change nothing, and once all windows of one
sentence refute it, the other sentences do not. What is left out can raise a score, never a decision
(docs/adr/0069-windows-are-scored-until-a-note-is-decided.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from entailment.ports import EntailmentScorer, TextPair
from entailment.thresholds import ScoreDecision, Thresholds

NotePlan = Sequence[Sequence[TextPair]]
"""For each sentence of a note the pairs that it may be scored by, the likeliest first."""


@dataclass(frozen=True, slots=True)
class NoteScore:
    """Entailment score of a note: the lowest of its sentences' scores, with that sentence."""

    score: float
    sentence: str


@dataclass(frozen=True, slots=True)
class NoteDecision:
    """Decision about a note by an entailment model, with the score that decides it."""

    decision: ScoreDecision
    score: NoteScore


@dataclass(frozen=True, slots=True)
class _SentenceScore:
    """Best score of a sentence so far; ``following`` is the pair to score next, None behind all."""

    best: float
    following: TextPair | None
    sentence: str


def decide_notes_from_pairs(
    plans: Sequence[NotePlan], scorer: EntailmentScorer, thresholds: Thresholds
) -> list[NoteDecision | None]:
    """Decide notes by an entailment model's scores, with as few scores as that takes.

    Returns:
        For each note what scoring all of its pairs would decide; None for a note without pairs.

    Raises:
        ScoreError: the model gave a score that is no number.
    """
    known: dict[TextPair, float] = {}
    while wanted := dict.fromkeys(
        pair for plan in plans for pair in _list_wanted(plan, known, thresholds)
    ):
        known.update(zip(wanted, scorer.score(list(wanted)), strict=True))
    return [_decide(_read_scores(plan, known), thresholds) for plan in plans]


def _list_wanted(
    plan: NotePlan, known: Mapping[TextPair, float], thresholds: Thresholds
) -> Iterator[TextPair]:
    """Yield the next pair of each sentence that can still change the decision on a note."""
    scores = _read_scores(plan, known)
    low, high = thresholds.refute_below, thresholds.confirm_from
    lasting = [one.best for one in scores if one.following is None]
    if low is not None and any(score < low for score in lasting):
        return  # refuted
    is_confirmable = high is not None and all(score >= high for score in lasting)
    needed = high if is_confirmable else low
    for one in scores:
        if needed is not None and one.following is not None and one.best < needed:
            yield one.following


def _read_scores(plan: NotePlan, known: Mapping[TextPair, float]) -> list[_SentenceScore]:
    return [
        _SentenceScore(
            best=max((known[one] for one in pairs if one in known), default=-1.0),
            following=next((one for one in pairs if one not in known), None),
            sentence=pairs[0].hypothesis,
        )
        for pairs in plan
        if pairs
    ]


def _decide(scores: Sequence[_SentenceScore], thresholds: Thresholds) -> NoteDecision | None:
    if not scores:
        return None
    low = thresholds.refute_below
    # A score that may still rise refutes nothing.
    lasting = [one for one in scores if one.following is None]
    refuting = [one for one in lasting if low is not None and one.best < low]
    worst = min(refuting or scores, key=lambda one: one.best)
    decision = thresholds.decide(worst.best)
    if decision is ScoreDecision.REFUTED and not refuting:
        decision = ScoreDecision.UNDECIDED
    return NoteDecision(decision, NoteScore(worst.best, worst.sentence))
