"""The evidence as the heavy mode's parser reads it: only the sentences that a claim is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grounding.checks.frame import Case
from grounding.syntax.clauses import Parser, Reading
from grounding.text.lemmas import lemma
from grounding.text.terms import Term, terms
from grounding.text.words import in_spoken_sentences, listed

_SHORT: Final = 3
_ENDS: Final = frozenset(".!?…\"'\u201d\u2019)")
_FORMS: Final = {"have": listed("have has had having")}
"""Of verbs that the lemmas of terms leave alone."""


def claimed(case: Case, parse: Parser) -> Reading:
    """The statement, parsed: without a full stop "the union paid" may be read as a paid union."""
    statement = case.draft.statement.rstrip()
    return parse(statement if statement[-1:] in _ENDS else f"{statement}.")


def readings(case: Case, parse: Parser, verb: str) -> Iterator[tuple[str, Reading]]:
    """The evidence's sentences that have a verb, parsed: parsing is the dear part."""
    key = lemma(verb)
    for quote in case.quotes:
        for sentence in in_spoken_sentences(quote):
            if any(_may_be(verb, key, one) for one in terms(sentence)):
                yield sentence, parse(sentence)


def _may_be(verb: str, key: str, term: Term) -> bool:
    """Whether a word may be a form of a verb; endings hide what short ones are: "sue", "sued"."""
    if verb in _FORMS:
        return term.text in _FORMS[verb]
    short = len(verb) <= _SHORT and term.text.startswith(verb.removesuffix("e"))
    return key in {term.key, term.text} or short
