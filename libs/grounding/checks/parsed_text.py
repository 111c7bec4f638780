"""Parse statements and the evidence's relevant sentences for the checks of the heavy mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grounding.checks.base import CheckContext
from grounding.syntax.clauses import ParsedText, SyntaxParser
from grounding.text.lemmas import get_lemma
from grounding.text.terms import Term, split_terms
from grounding.text.words import parse_word_list, split_at_full_stops

_SHORT: Final = 3
_ENDS: Final = frozenset(".!?…\"'\u201d\u2019)")
_FORMS: Final = {"have": parse_word_list("have has had having")}
"""Of verbs that the lemmas of terms leave alone."""


def parse_statement(context: CheckContext, parse: SyntaxParser) -> ParsedText:
    """Parse the syntax of a note's statement with spaCy."""
    statement = context.draft.statement.rstrip()
    return parse(statement if statement[-1:] in _ENDS else f"{statement}.")


def parse_evidence(
    context: CheckContext, parse: SyntaxParser, verb: str
) -> Iterator[tuple[str, ParsedText]]:
    """Yield the parsed syntax of each sentence of a note's quotes that contains a verb."""
    key = get_lemma(verb)
    for quote in context.quotes:
        for sentence in split_at_full_stops(quote):
            if any(_may_be_form_of(verb, key, one) for one in split_terms(sentence)):
                yield sentence, parse(sentence)


def _may_be_form_of(verb: str, key: str, term: Term) -> bool:
    """Whether a word may be a form of a verb; endings hide what short ones are: "sue", "sued"."""
    if verb in _FORMS:
        return term.text in _FORMS[verb]
    short = len(verb) <= _SHORT and term.text.startswith(verb.removesuffix("e"))
    return key in {term.key, term.text} or short
