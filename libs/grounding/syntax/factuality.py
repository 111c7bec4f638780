"""The heavy mode's reading of verbs: as what each is told, by spaCy's dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grounding.syntax.clauses import Predicate, Status
from grounding.text.words import AS_SUBJECTS, clip, listed

_ADVERBS: Final = dict.fromkeys(("almost", "nearly"), Status.MISSED) | {"never": Status.DENIED}
_GOVERNORS: Final = (
    dict.fromkeys(listed("want wish hope dream long"), Status.WISHED)
    | dict.fromkeys(listed("plan intend consider think go mean"), Status.PLANNED)
    | dict.fromkeys(listed("doubt wonder imagine"), Status.SUPPOSED)
    | dict.fromkeys(
        listed("tell ask order urge advise beg promise offer threaten suppose"), Status.ASKED
    )
    | dict.fromkeys(listed("try attempt"), Status.TRIED)
    | dict.fromkeys(listed("refuse fail forget decline"), Status.DENIED)
    | {"use": Status.FORMER}
)
_OF_CLAUSES: Final = listed("wish hope doubt wonder imagine")
"""Those that take a clause with a subject of its own out of the facts; "think" does not."""
_MARKS: Final = listed("if unless whether")
_LIKELY: Final = listed("might may")
_AUXILIARIES: Final = listed("do have be will would can could")
_FINITE: Final = frozenset({"VBD", "VBZ", "VBP"})
_UP: Final = frozenset({"xcomp", "ccomp", "pcomp", "prep", "conj"})
_PARTIES: Final = frozenset({"nsubj", "nsubjpass", "dobj"})
_NONE: Final = listed("nobody nothing none neither")
_LOOSE: Final = frozenset({"neg", "advmod", "punct", "nsubj", "cc"})
_DEEPEST: Final = 6
"""Verbs above a verb that are looked at, one beneath another."""

_BEFORE: Final = 4


def predicates(doc: Any) -> Iterator[Predicate]:
    """The verbs of a parsed text; auxiliaries and "be" say nothing by themselves."""
    taken_back = {verb.i for verb in _taken_back(doc)}
    for token in doc:
        if token.pos_ == "VERB" and not _is_auxiliary(token):
            begin = max(token.sent.start, token.i - _BEFORE)
            yield Predicate(
                lemma=token.lemma_.casefold(),
                status=Status.DENIED if token.i in taken_back else _status(token),
                text=clip(doc[begin : token.i + 1].text),
                is_main=_is_finite(token) and _is_stated(token),
                is_past=_is_past(token),
            )


def _taken_back(doc: Any) -> Iterator[Any]:
    """The verbs that a clause without one denies: the "fix" of "promised to fix it but didn't"."""
    for token in doc:
        denies = any(one.dep_ == "neg" for one in token.children)
        if not denies or token.dep_ != "conj" or token.lemma_.casefold() not in _AUXILIARIES:
            continue
        if any(one.i > token.i and one.dep_ not in _LOOSE for one in token.children):
            continue
        before = [one for one in doc[token.sent.start : token.i] if one.pos_ == "VERB"]
        if before and _same_subject(before[-1], token):
            yield before[-1]


def _same_subject(verb: Any, denying: Any) -> bool:
    """Whether who denies is who did it, or was to do it: "told me to, but I haven't"."""
    subjects = [one.lower_ for one in denying.children if one.dep_ == "nsubj"]
    if not subjects:
        return True
    own = [one for one in verb.children if one.dep_ == "nsubj"]
    governed = verb.dep_ == "xcomp"
    asked = [one for one in verb.head.children if one.dep_ in {"dobj", "nsubj"}] if governed else []
    return any(_person(one.lower_) == _person(subjects[0]) for one in (own or asked[::-1][:1]))


def _person(pronoun: str) -> str:
    return AS_SUBJECTS.get(pronoun, pronoun)


def _is_past(verb: Any) -> bool:
    own = [one for one in verb.children if one.dep_ in {"aux", "auxpass"}]
    return any(one.tag_ == "VBD" for one in (own or [verb]))


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
    if verb.dep_ == "ccomp" and verb.i < head.i:
        return own  # two sentences in one: "he paid, otherwise I would have left"
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
        if one.dep_ in _PARTIES and _is_none(one):
            return Status.DENIED
        if one.lower_ in _ADVERBS:
            return _ADVERBS[one.lower_]
        if one.dep_ == "neg" and not _is_faint(one):
            return Status.DENIED
    modal = next((one.lower_ for one in verb.children if one.tag_ == "MD"), None)
    if modal is not None:
        return _by_modal(verb, modal)
    alone = not any(one.dep_ in {"aux", "auxpass"} for one in verb.children)
    is_free = verb.tag_ == "VBG" and verb.dep_ not in _UP
    return Status.OPEN if (is_free and alone) or _is_going_on(verb) else Status.FACT


def _is_none(party: Any) -> bool:
    """Whether it is "nobody" or "no breakfast"."""
    if any(one.lower_ == "except" for one in party.sent):
        return False  # somebody does
    return party.lower_ in _NONE or any(one.lower_ == "no" for one in party.children)


def _by_modal(verb: Any, modal: str) -> Status:
    """As what a verb is told behind a modal: "would" and "could" may tell of the past as well."""
    if modal in _LIKELY or _is_on_condition(verb):
        return Status.SUPPOSED
    if modal in {"will", "'ll", "\u2019ll", "wo"}:
        return Status.COMING
    was = any(one.lemma_.casefold() == "have" and one.dep_ == "aux" for one in verb.children)
    return Status.SUPPOSED if modal in {"would", "'d", "\u2019d"} and was else Status.OPEN


def _is_on_condition(verb: Any) -> bool:
    """Whether an "if" hangs on it: "I would move if the rent went up"."""
    clauses = (one for one in verb.children if one.dep_ == "advcl")
    return any(mark.lower_ == "if" for one in clauses for mark in one.children)


def _is_faint(negation: Any) -> bool:
    """Whether it is that of "not only"."""
    rest = negation.doc[negation.i + 1 : negation.i + 2]
    return bool(rest) and rest[0].lower_ in {"only", "just", "merely"}


def _is_going_on(verb: Any) -> bool:
    """Whether it is "we are switching": now, or soon."""
    return verb.tag_ == "VBG" and any(one.lemma_ == "be" for one in verb.children)
