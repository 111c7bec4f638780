"""The heavy mode's parser, by spaCy's dependencies; the model is loaded at the first use."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from grounding.syntax.clauses import Assertion, Clause, ParsedText, Party, PartyKind, SyntaxParser
from grounding.syntax.factuality import iter_predicates
from grounding.text.words import parse_word_list, truncate_text
from grounding.vocabulary.reporting import NARRATION_NOUNS
from grounding.vocabulary.scales import RELATIONS
from spacy_models import load_spacy_model

_UNUSED: Final = ("ner", "senter")
_SYMMETRIC: Final = parse_word_list(
    """meet marry talk speak chat discuss agree disagree argue fight date resemble match differ
    collaborate share be have do get go say think"""
)
"""Verbs that hold both ways round, or whose parties a paraphrase may well turn round."""
_PRONOUNS: Final = (
    dict.fromkeys(("he", "him", "himself"), PartyKind.MAN)
    | dict.fromkeys(("she", "her", "hers", "herself"), PartyKind.WOMAN)
    | dict.fromkeys(("they", "them", "themselves"), PartyKind.THEY)
    | dict.fromkeys(("i", "me", "myself", "we", "us", "ourselves"), PartyKind.SPEAKER)
)
_AGENTS: Final = frozenset({"nsubj", "csubj"})
_OBJECTS: Final = frozenset({"dobj", "dative", "nsubjpass"})
_DETAILS: Final = frozenset({"amod", "compound"})
_SAID_OF: Final = frozenset({"attr", "acomp"})
_TOWARDS: Final = frozenset({"to", "for", "from"})


@lru_cache(maxsize=1)
def load_spacy_parser() -> SyntaxParser:
    """Load the spaCy model once per process, and return the syntax parser.

    Raises:
        ModuleNotFoundError: no model of spaCy is installed.
    """
    pipeline = load_spacy_model(exclude=_UNUSED)

    @lru_cache(maxsize=4_096)
    def parse(text: str) -> ParsedText:
        doc = pipeline(text)
        return ParsedText(
            tuple(_iter_clauses(doc)), tuple(iter_predicates(doc)), tuple(_iter_assertions(doc))
        )

    return parse


def _iter_clauses(doc: Any) -> Iterator[Clause]:
    for token in doc:
        if token.pos_ in {"VERB", "AUX"}:
            clause = _build_clause(token)
            if clause is not None:
                yield clause


def _iter_assertions(doc: Any) -> Iterator[Assertion]:
    for verb in doc:
        if verb.pos_ not in {"VERB", "AUX"}:
            continue
        subjects = [one for one in verb.children if one.dep_ == "nsubj"]
        predicates = [verb] if verb.lemma_ != "be" else []
        predicates += [one for one in verb.children if one.dep_ in _SAID_OF and verb.lemma_ == "be"]
        for who in subjects:
            for one in predicates:
                yield Assertion(
                    one.lemma_.casefold(),
                    _build_party(who),
                    truncate_text(f"{who.text} {one.text}"),
                )


def _build_clause(verb: Any) -> Clause | None:
    """Return the clause of a verb, or None unless it has an agent and an object."""
    compared = _read_comparison(verb)
    lemma = verb.lemma_.casefold() if compared is None else compared[0]
    if lemma in _SYMMETRIC:
        return None
    agents = [one for one in verb.children if one.dep_ in _AGENTS]
    agents += _list_prepositional_objects(verb, "agent") or (
        [] if agents else _list_passive_agents(verb)
    )
    if compared is None:
        others = [one for one in verb.children if one.dep_ in _OBJECTS and one.dep_ != "dative"]
        others += [one for one in verb.children if one.dep_ == "dative" and one.pos_ != "ADP"]
        others += _list_prepositional_objects(verb, "prep", "dative")
    else:
        others = [compared[1]]
    if not agents or not others:
        return None
    words = sorted((verb, *agents, *others), key=lambda one: int(one.i))
    return Clause(
        verb=lemma,
        agent=_build_party(agents[0]),
        others=tuple(_build_party(one) for one in others),
        text=truncate_text(" ".join(str(one.text) for one in words)),
        place=int(verb.idx),
    )


def _list_prepositional_objects(verb: Any, *dependencies: str) -> list[Any]:
    """Return the objects of a verb's prepositions: the "her" of "by her" or "to her"."""
    prepositions = (
        one
        for one in verb.children
        if one.dep_ in dependencies and (one.dep_ == "agent" or one.lower_ in _TOWARDS)
    )
    return [child for one in prepositions for child in one.children if child.dep_ == "pobj"]


def _list_passive_agents(verb: Any) -> list[Any]:
    """Return what follows the "by" of a passive that the parser took for a place."""
    passive = any(one.dep_ == "nsubjpass" for one in verb.children)
    given = [one for one in verb.children if one.dep_ == "dobj"]  # "given a shed by the council"
    by = [
        one
        for head in (verb, *given)
        for one in head.children
        if one.dep_ == "prep" and one.lower_ == "by"
    ]
    return [child for one in by for child in one.children if child.dep_ == "pobj" and passive]


def _read_comparison(verb: Any) -> tuple[str, Any] | None:
    """Return the adjective and the other side of "is cheaper than"."""
    for adjective in verb.children:
        if adjective.dep_ in {"acomp", "attr", "advmod"} and adjective.tag_ in {"JJR", "RBR"}:
            for than in (*adjective.children, *verb.children):
                if than.lower_ == "than":
                    sides = [one for one in than.children if one.dep_ in {"pobj", "nsubj"}]
                    if sides:
                        return f"{adjective.lower_} than", sides[0]
    return None


def _build_party(token: Any) -> Party:
    text = token.lower_
    if text in _PRONOUNS:
        return Party(_PRONOUNS[text])
    if token.pos_ in {"PRON", "DET"}:
        return Party(PartyKind.ANYONE)
    if token.lemma_.casefold() in NARRATION_NOUNS or text in NARRATION_NOUNS:
        return Party(PartyKind.SPEAKER)
    details = (one.lower_ for one in token.children if one.dep_ in _DETAILS)
    named = (one.lemma_.casefold() for one in token.children if one.dep_ == "appos")
    called = RELATIONS.get(text, token.lemma_.casefold())
    return Party(PartyKind.THING, called, " ".join(details), next(named, ""))
