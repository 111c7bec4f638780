"""Measure judges on labelled pairs: agreement with labels, with the checks and with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

from contracts.notes import Standing
from evaluation.grounding.judge_votes import JudgeAnswer, JudgeVote, Votes, list_turns
from evaluation.grounding.pair_verdicts import PairVerdict
from evaluation.grounding.verdicts import is_shown_as_finding
from evaluation.intervals import compute_wilson_interval


@dataclass(frozen=True, slots=True)
class CountedShare:
    """Share that was counted, with its 95 % interval; of nothing, it is 0 and anything is possible.

    Attributes:
        part: how many of the whole have what is counted.
        whole: how many there are.
    """

    part: int
    whole: int

    @property
    def share(self) -> float:
        """The share, from 0 to 1."""
        return self.part / self.whole if self.whole else 0.0

    def as_json(self) -> dict[str, float]:
        """Return share, interval and counts."""
        low, high = compute_wilson_interval(self.part, self.whole)
        rounded = {"share": self.share, "low": low, "high": high}
        shares = {name: round(value, 4) for name, value in rounded.items()}
        return {**shares, "part": self.part, "of": self.whole}


@dataclass(frozen=True, slots=True)
class VoteCounts:
    """Votes of a judge on some pairs, by what they say."""

    pairs: int
    supported: int
    contradicted: int
    not_supported: int
    no_answer: int


@dataclass(frozen=True, slots=True)
class JudgeScore:
    """How good one judge is, on the pairs it was asked about.

    Attributes:
        votes: how many of each.
        true_confirmed: of the true notes, those it supports.
        false_confirmed: of the false notes, those it supports.
        confirmed_false: of the notes it supports, those that are false.
        true_refuted: of the true notes, those that it says are contradicted, which are refused.
        false_refuted: of the false notes, those that it says are contradicted.
        with_labels: of the notes that it answers on, those that it supports if they are true, and
            does not if they are false.
        with_checks: of the notes that the checks decide and it answers on, those on which it says
            the same: supported where a rule vouches for the note, not where a check refuses it.
        undecided_confirmed_false: as `confirmed_false`, of notes that the checks leave undecided.
        by_kind: votes on each kind of note; true kinds first.
        passages: passages that the notes are on, each of which is as a chunk to the guardrail.
        calls: calls that its answers took, those of earlier measurements included.
        cached: answers that were there already.
        tokens: tokens that they took.
        cost_usd: what they cost; None if a price is not known.
        errors: how many questions were not answered, by the error's code.
    """

    votes: VoteCounts
    true_confirmed: CountedShare
    false_confirmed: CountedShare
    confirmed_false: CountedShare
    true_refuted: CountedShare
    false_refuted: CountedShare
    with_labels: CountedShare
    with_checks: CountedShare
    undecided_confirmed_false: CountedShare
    by_kind: Mapping[str, VoteCounts]
    passages: int
    calls: int
    cached: int
    tokens: int
    cost_usd: Decimal | None
    errors: Mapping[str, int]

    @property
    def balanced_accuracy(self) -> float:
        """The mean of true notes supported and false ones not; no answer supports nothing."""
        return (self.true_confirmed.share + 1 - self.false_confirmed.share) / 2

    @property
    def calls_per_passage(self) -> float:
        """The mean of calls over passages; 0 without any."""
        return self.calls / self.passages if self.passages else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it all, for programs."""
        return {
            "balanced_accuracy": round(self.balanced_accuracy, 4),
            **asdict(self.votes),
            "true_confirmed": self.true_confirmed.as_json(),
            "false_confirmed": self.false_confirmed.as_json(),
            "confirmed_false": self.confirmed_false.as_json(),
            "undecided_confirmed_false": self.undecided_confirmed_false.as_json(),
            "true_refuted": self.true_refuted.as_json(),
            "false_refuted": self.false_refuted.as_json(),
            "with_labels": self.with_labels.as_json(),
            "with_checks": self.with_checks.as_json(),
            "by_kind": {kind: asdict(counts) for kind, counts in self.by_kind.items()},
            "passages": self.passages,
            "calls": self.calls,
            "calls_per_passage": round(self.calls_per_passage, 4),
            "cached": self.cached,
            "tokens": self.tokens,
            "cost_usd": self.cost_usd,
            "errors": dict(self.errors),
        }


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """Agreement of two judges on the notes that both answer on.

    Attributes:
        judges: their names.
        agreed: of those notes, the ones on which they say the same.
        kappa: Cohen's kappa, 1 for full agreement and 0 for what chance gives; None if both always
            say one and the same thing.
    """

    judges: tuple[str, str]
    agreed: CountedShare
    kappa: float | None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        kappa = None if self.kappa is None else round(self.kappa, 4)
        return {"judges": list(self.judges), **self.agreed.as_json(), "kappa": kappa}


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """What was measured of all judges.

    Attributes:
        scores: by the judge's name.
        agreements: of each two of them.
    """

    scores: Mapping[str, JudgeScore]
    agreements: Sequence[JudgeAgreement]

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "judges": {name: score.as_json() for name, score in self.scores.items()},
            "agreement": [one.as_json() for one in self.agreements],
        }


UNANIMOUS: Final = "all of them, where they agree"
"""Name of the panel that supports what every judge supports."""


def measure_judges(verdicts: Sequence[PairVerdict], votes: Votes) -> JudgeReport:
    """Compare judges' votes with the labels, with the checks and with each other.

    Several judges are measured as a panel too, which answers where all of them say the same.

    Args:
        verdicts: what the checks alone say of each pair.
        votes: each judge's answers, in the same order.
    """
    scores = {
        name: _score(list(zip(verdicts, given, strict=True))) for name, given in votes.items()
    }
    if len(votes) > 1:
        panel = [_combine_answers(one) for one in zip(*votes.values(), strict=True)]
        scores[UNANIMOUS] = _score(list(zip(verdicts, panel, strict=True)))
    agreements = [
        _compare((first, second), votes[first], votes[second])
        for first, second in combinations(votes, 2)
    ]
    return JudgeReport(scores, agreements)


def _combine_answers(answers: Sequence[JudgeAnswer]) -> JudgeAnswer:
    """Return the answer of a panel: what all say, or none; with what all of them took."""
    votes = {one.vote for one in answers}
    costs = [one.cost_usd for one in answers if one.cost_usd is not None]
    priced = [one for one in answers if not one.error]
    return JudgeAnswer(
        vote=votes.pop() if len(votes) == 1 else JudgeVote.NO_ANSWER,
        calls=sum(one.calls for one in answers),
        tokens=sum(one.tokens for one in answers),
        cost_usd=sum(costs, Decimal(0)) if len(costs) == len(priced) else None,
        is_cached=all(one.is_cached for one in answers),
    )


_Judged = Sequence[tuple[PairVerdict, JudgeAnswer]]


def _score(judged: _Judged) -> JudgeScore:
    true = [one for one in judged if one[0].pair.is_true]
    false = [one for one in judged if not one[0].pair.is_true]
    supported = [one for one in judged if _supports(one)]
    undecided = [one for one in supported if one[0].standing is Standing.UNPROVEN]
    answers = [answer for _, answer in judged]
    costs = [one.cost_usd for one in answers if not one.error]
    known = [one for one in costs if one is not None]
    return JudgeScore(
        votes=_count_votes(judged),
        true_confirmed=CountedShare(sum(map(_supports, true)), len(true)),
        false_confirmed=CountedShare(sum(map(_supports, false)), len(false)),
        confirmed_false=_count_false(supported),
        true_refuted=CountedShare(sum(map(_contradicts, true)), len(true)),
        false_refuted=CountedShare(sum(map(_contradicts, false)), len(false)),
        with_labels=_compare_with_labels(judged),
        with_checks=_compare_with_checks(judged),
        undecided_confirmed_false=_count_false(undecided),
        by_kind={kind: _count_votes(part) for kind, part in _group_by_kind(judged).items()},
        passages=len({tuple(list_turns(verdict.pair)) for verdict, _ in judged}),
        calls=sum(one.calls for one in answers),
        cached=sum(one.is_cached for one in answers),
        tokens=sum(one.tokens for one in answers),
        cost_usd=sum(known, Decimal(0)) if len(known) == len(costs) else None,
        errors=_count_errors(answers),
    )


def _supports(one: tuple[PairVerdict, JudgeAnswer]) -> bool:
    return one[1].vote is JudgeVote.SUPPORTED


def _contradicts(one: tuple[PairVerdict, JudgeAnswer]) -> bool:
    return one[1].vote is JudgeVote.CONTRADICTED


def _compare_with_labels(judged: _Judged) -> CountedShare:
    answered = [one for one in judged if one[1].vote is not JudgeVote.NO_ANSWER]
    same = sum(one[0].pair.is_true is _supports(one) for one in answered)
    return CountedShare(same, len(answered))


def _count_false(judged: _Judged) -> CountedShare:
    return CountedShare(sum(not verdict.pair.is_true for verdict, _ in judged), len(judged))


def _count_votes(judged: _Judged) -> VoteCounts:
    votes = [answer.vote for _, answer in judged]
    return VoteCounts(
        pairs=len(votes),
        supported=votes.count(JudgeVote.SUPPORTED),
        contradicted=votes.count(JudgeVote.CONTRADICTED),
        not_supported=votes.count(JudgeVote.NOT_SUPPORTED),
        no_answer=votes.count(JudgeVote.NO_ANSWER),
    )


def _compare_with_checks(judged: _Judged) -> CountedShare:
    decided = [
        one
        for one in judged
        if one[0].standing is not Standing.UNPROVEN and one[1].vote is not JudgeVote.NO_ANSWER
    ]
    same = sum(is_shown_as_finding(one[0].standing) is _supports(one) for one in decided)
    return CountedShare(same, len(decided))


def _group_by_kind(judged: _Judged) -> dict[str, list[tuple[PairVerdict, JudgeAnswer]]]:
    """Return the judged pairs of each kind, true kinds first; one of several kinds is in each."""
    groups: dict[tuple[bool, str], list[tuple[PairVerdict, JudgeAnswer]]] = {}
    for one in judged:
        for kind in one[0].pair.kinds:
            groups.setdefault((not one[0].pair.is_true, kind), []).append(one)
    return {
        f"{kind} ({'false' if is_false else 'true'})": part
        for (is_false, kind), part in sorted(groups.items(), key=lambda one: one[0])
    }


def _count_errors(answers: Sequence[JudgeAnswer]) -> dict[str, int]:
    codes = sorted(one.error for one in answers if one.error)
    return {code: codes.count(code) for code in dict.fromkeys(codes)}


def _compare(
    names: tuple[str, str], first: Sequence[JudgeAnswer], second: Sequence[JudgeAnswer]
) -> JudgeAgreement:
    both = [
        (one.vote is JudgeVote.SUPPORTED, other.vote is JudgeVote.SUPPORTED)
        for one, other in zip(first, second, strict=True)
        if JudgeVote.NO_ANSWER not in {one.vote, other.vote}
    ]
    agreed = CountedShare(sum(one == other for one, other in both), len(both))
    return JudgeAgreement(names, agreed, _compute_kappa(both, agreed.share))


def _compute_kappa(both: Sequence[tuple[bool, bool]], observed: float) -> float | None:
    """Return Cohen's kappa (Educational and Psychological Measurement 20, 1960)."""
    if not both:
        return None
    first = sum(one for one, _ in both) / len(both)
    second = sum(other for _, other in both) / len(both)
    by_chance = first * second + (1 - first) * (1 - second)
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
