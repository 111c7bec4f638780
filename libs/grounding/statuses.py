"""The heavy mode's reading of verbs: as what each is told, by spaCy's dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grounding.clauses import Predicate, Status
from grounding.words import clip, listed

_ADVERBS: Final = dict.fromkeys(("almost", "nearly"), Status.MISSED) | {"never": Status.DENIED}
_GOVERNORS: Final = (
    dict.fromkeys(listed("want wish hope dream long"), Status.WISHED)
    | dict.fromkeys(listed("plan intend consider think go"), Status.PLANNED)
    | dict.fromkeys(listed("doubt wonder"), Status.SUPPOSED)
    | dict.fromkeys(listed("refuse fail forget decline"), Status.DENIED)
    | {"use": Status.FORMER}
)
_OF_CLAUSES: Final = listed("wish hope doubt wonder")
"""Those that take a clause with a subject of its own out of the facts; "think" does not."""
_MARKS: Final = listed("if unless whether")
_FINITE: Final = frozenset({"VBD", "VBZ", "VBP"})
_UP: Final = frozenset({"xcomp", "ccomp", "pcomp", "prep", "conj"})
_DEEPEST: Final = 6
_BEFORE: Final = 4


def predicates(doc: Any) -> Iterator[Predicate]:
    """The verbs of a parsed text; auxiliaries and "be" say nothing by themselves."""
    for token in doc:
        if token.pos_ == "VERB" and not _is_auxiliary(token):
            begin = max(token.sent.start, token.i - _BEFORE)
            yield Predicate(
                lemma=token.lemma_.casefold(),
                status=_status(token),
                text=clip(doc[begin : token.i + 1].text),
                is_main=_is_finite(token) and _is_stated(token),
            )


def _is_finite(verb: Any) -> bool:
    """Whether a verb, or its "is" or "has", tells a tense."""
    if any(one.tag_ == "MD" for one in verb.children):
        return False
    own = [verb, *(one for one in verb.children if one.dep_ in {"aux", "auxpass"})]
    return any(one.tag_ in _FINITE for one in own)


def _is_stated(verb: Any) -> bool:
    """Whether a verb is that of its sentence, or joined to it."""
    return "ROOT" in {verb.dep_, verb.head.dep_ if verb.dep_ == "conj" else ""}


def _is_auxiliary(verb: Any) -> bool:
    """Whether it is a "be", or the "used" of "used to pay"."""
    lemma = verb.lemma_.casefold()
    return lemma == "be" or (lemma == "use" and any(one.dep_ == "xcomp" for one in verb.children))


def _status(verb: Any, depth: int = 0) -> Status:
    """As what a verb is told: by its own words, else by what governs it."""
    own = _own(verb)
    if own is not Status.FACT or depth > _DEEPEST or verb.dep_ not in _UP:
        return own
    head = verb.head
    if verb.dep_ == "conj":
        has_subject = any(one.dep_ in {"nsubj", "nsubjpass"} for one in verb.children)
        return Status.FACT if has_subject else _status(head, depth + 1)
    if verb.dep_ == "prep" or head.pos_ == "ADP":
        head = head.head
    governed = _governed(verb, head)
    above = _status(head, depth + 1) if head.pos_ == "VERB" else Status.FACT
    if governed is Status.FACT or above is Status.DENIED:
        return above
    return governed


def _governed(verb: Any, head: Any) -> Status:
    lemma = head.lemma_.casefold()
    if verb.dep_ == "xcomp" and lemma == "go" and head.tag_ != "VBG":
        return Status.FACT
    has_subject = any(one.dep_ in {"nsubj", "nsubjpass"} for one in verb.children)
    if has_subject and verb.dep_ == "ccomp" and lemma not in _OF_CLAUSES:
        return Status.FACT
    return _GOVERNORS.get(lemma, Status.FACT)


def _own(verb: Any) -> Status:
    """What a verb's own auxiliaries, adverbs and conjunctions say."""
    if any(one.dep_ == "mark" and one.lower_ in _MARKS for one in verb.children):
        return Status.SUPPOSED
    for one in verb.children:
        if one.lower_ in _ADVERBS:
            return _ADVERBS[one.lower_]
        if one.dep_ == "neg" and not _is_faint(one):
            return Status.DENIED
        if one.dep_ in {"aux", "auxpass"} and one.tag_ == "MD":
            return Status.OPEN
    alone = not any(one.dep_ in {"aux", "auxpass"} for one in verb.children)
    is_free = verb.tag_ == "VBG" and verb.dep_ not in _UP
    return Status.OPEN if (is_free and alone) or _is_going_on(verb) else Status.FACT


def _is_faint(negation: Any) -> bool:
    """Whether it is that of "not only"."""
    rest = negation.doc[negation.i + 1 : negation.i + 2]
    return bool(rest) and rest[0].lower_ in {"only", "just", "merely"}


def _is_going_on(verb: Any) -> bool:
    """Whether it is "we are switching": now, or soon."""
    return verb.tag_ == "VBG" and any(one.lemma_ == "be" for one in verb.children)
