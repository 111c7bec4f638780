"""The evidence as the heavy mode's parser reads it: only the sentences that a claim is about."""

from __future__ import annotations

from collections.abc import Iterator

from grounding.checks.frame import Case
from grounding.clauses import Parser, Reading
from grounding.lemmas import lemma
from grounding.terms import terms
from grounding.words import in_spoken_sentences


def readings(case: Case, parse: Parser, verb: str) -> Iterator[tuple[str, Reading]]:
    """The evidence's sentences that have a verb, parsed: parsing is the dear part."""
    key = lemma(verb)
    for quote in case.quotes:
        for sentence in in_spoken_sentences(quote):
            if any(key in {one.key, one.text} for one in terms(sentence)):
                yield sentence, parse(sentence)
