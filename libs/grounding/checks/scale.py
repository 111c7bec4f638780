"""The common part of checks on closed classes of words: how many, how sure, when.

A class is a table from words to answers (``grounding.vocabulary.scales``). A word of the statement
is borne out by a word of the evidence with the same answer. Where the sentence keeps to the
evidence's own words, the two must also stand at the same place; in freer sentences it is enough
that the evidence gives that answer somewhere. An answer that the evidence does not give at all is
a failure if it is a strong one ("always", "Monday") or if the evidence gives another instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from contracts.notes import CheckFailure
from grounding.checks.frame import Case
from grounding.checks.wording import failure, shown
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import Term


@dataclass(frozen=True, slots=True)
class Scale:
    """One class of words that answer the same question.

    Attributes:
        answers: each word with its answer.
        strong: answers that the evidence has to give.
        may_become: for an answer of the evidence, those it also bears out.
    """

    answers: Mapping[str, str]
    strong: frozenset[str] = frozenset()
    may_become: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def answer(self, term: Term) -> str | None:
        """What a term answers, if it is of this class."""
        return self.answers.get(term.text)

    def given(self, told: Sequence[Term]) -> frozenset[str]:
        """The answers that some of the evidence's terms give."""
        return frozenset(one for one in map(self.answer, told) if one)

    def bears_out(self, given: AbstractSet[str], answer: str) -> bool:
        """Whether given answers bear out an answer."""
        return answer in given or any(answer in self.may_become.get(one, ()) for one in given)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A term of a sentence that its evidence does not bear out, and what stands there instead."""

    at: int
    term: Term
    instead: Term | None


def mismatches(scale: Scale, laid: Laid) -> Iterator[Mismatch]:
    """The terms of a sentence whose answers the evidence does not give."""
    given = scale.given(laid.told)
    for at, term in laid.new():
        answer = scale.answer(term)
        if answer is None:
            continue
        rivals = [one for one in laid.instead(at) if scale.answer(one)]
        if scale.bears_out(scale.given(rivals), answer):
            continue
        absent = not scale.bears_out(given, answer)
        instead = next(iter(rivals), None)
        if (absent and answer in scale.strong) or (instead and (absent or laid.is_close)):
            yield Mismatch(at, term, instead)


def on_scales(
    name: str,
    scales: Sequence[Scale],
    *,
    skip: Callable[[Case, Laid, int], bool] = lambda _case, _laid, _at: False,
) -> Callable[[Case], CheckFailure | None]:
    """The function of a check that compares a note on several scales.

    Args:
        name: the check's name.
        scales: the classes of words it compares.
        skip: whether the term at a place is another check's business.
    """

    def function(case: Case) -> CheckFailure | None:
        if not case.is_cited:
            return None
        for laid in case.sentences:
            for scale in scales:
                for found in mismatches(scale, laid):
                    if not skip(case, laid, found.at):
                        return failure(name, case, laid, found.at, _reason(found))
        return None

    return function


def _reason(found: Mismatch) -> str:
    if found.instead is None:
        return f"The cited passage does not say {shown(found.term.text)}."
    return f"The cited passage says {shown(found.instead.text)}, not {shown(found.term.text)}."
