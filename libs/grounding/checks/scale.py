"""Build checks on closed classes of words: how many, how sure, when.

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
from grounding.checks.base import CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import Term


@dataclass(frozen=True, slots=True)
class WordScale:
    """Scale that orders words of one kind by degree, such as "none", "some", "all".

    Attributes:
        answers: each word with its answer.
        strong: answers that the evidence has to give.
        may_become: for an answer of the evidence, those it also bears out.
    """

    answers: Mapping[str, str]
    strong: frozenset[str] = frozenset()
    may_become: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def get_answer(self, term: Term) -> str | None:
        """Return the answer of a term, or None if it is not of this class."""
        return self.answers.get(term.text)

    def collect_answers(self, evidence: Sequence[Term]) -> frozenset[str]:
        """Return the answers that some of the evidence's terms give."""
        return frozenset(one for one in map(self.get_answer, evidence) if one)

    def supports(self, evident: AbstractSet[str], answer: str) -> bool:
        """Return whether an answer follows from answers that the evidence gives."""
        return answer in evident or any(answer in self.may_become.get(one, ()) for one in evident)


@dataclass(frozen=True, slots=True)
class UnsupportedDegree:
    """Word of a statement, such as "all", whose degree its quotes do not support."""

    at: int
    term: Term
    instead: Term | None


def find_unsupported_degrees(
    scale: WordScale, alignment: SentenceAlignment
) -> Iterator[UnsupportedDegree]:
    """Yield the words of a statement, such as "all", whose degree its quotes do not support."""
    asked = [
        (at, term, answer)
        for at, term in alignment.iter_unmatched()
        if (answer := scale.get_answer(term)) is not None
    ]
    # Of long evidence it takes a while, and few words are on a scale.
    evident = scale.collect_answers(alignment.evidence) if asked else frozenset()
    for at, term, answer in asked:
        rivals = [one for one in alignment.list_counterparts(at) if scale.get_answer(one)]
        if scale.supports(scale.collect_answers(rivals), answer):
            continue
        absent = not scale.supports(evident, answer)
        instead = next(iter(rivals), None)
        if (absent and answer in scale.strong) or (instead and (absent or alignment.is_close)):
            yield UnsupportedDegree(at, term, instead)


def build_scale_check(
    name: str,
    scales: Sequence[WordScale],
    *,
    skip: Callable[[CheckContext, SentenceAlignment, int], bool] = lambda _case, _alignment, _at: (
        False
    ),
) -> Callable[[CheckContext], CheckFailure | None]:
    """Build a check that compares degrees, such as "some" and "all", in statement and quotes.

    Args:
        name: the check's name.
        scales: the classes of words it compares.
        skip: whether the term at a place is another check's business.
    """

    def function(context: CheckContext) -> CheckFailure | None:
        if not context.is_cited:
            return None
        for alignment in context.sentences:
            for scale in scales:
                for found in find_unsupported_degrees(scale, alignment):
                    if not skip(context, alignment, found.at):
                        return build_word_failure(
                            name, context, alignment, found.at, _explain(found)
                        )
        return None

    return function


def _explain(found: UnsupportedDegree) -> str:
    if found.instead is None:
        return f"The cited passage does not say {quote_word(found.term.text)}."
    instead, stated = quote_word(found.instead.text), quote_word(found.term.text)
    return f"The cited passage says {instead}, not {stated}."
