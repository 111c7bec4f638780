"""Classify verbs by factuality, with spaCy's dependencies (heavy mode)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grounding.syntax.clauses import Factuality, Predicate
from grounding.text.words import AS_SUBJECTS, parse_word_list, truncate_text

_ADVERBS: Final = dict.fromkeys(("almost", "nearly"), Factuality.MISSED) | {
    "never": Factuality.DENIED
}
_GOVERNORS: Final = (
    dict.fromkeys(parse_word_list("want wish hope dream long"), Factuality.WISHED)
    | dict.fromkeys(parse_word_list("plan intend consider think go mean"), Factuality.PLANNED)
    | dict.fromkeys(parse_word_list("doubt wonder imagine"), Factuality.SUPPOSED)
    | dict.fromkeys(
        parse_word_list("tell ask order urge advise beg promise offer threaten suppose"),
        Factuality.ASKED,
    )
    | dict.fromkeys(parse_word_list("try attempt"), Factuality.TRIED)
    | dict.fromkeys(parse_word_list("refuse fail forget decline"), Factuality.DENIED)
    | {"use": Factuality.FORMER}
)
_OF_CLAUSES: Final = parse_word_list("wish hope doubt wonder imagine")
"""Those that take a clause with a subject of its own out of the facts; "think" does not."""
_MARKS: Final = parse_word_list("if unless whether")
_LIKELY: Final = parse_word_list("might may")
_AUXILIARIES: Final = parse_word_list("do have be will would can could")
_FINITE: Final = frozenset({"VBD", "VBZ", "VBP"})
_UP: Final = frozenset({"xcomp", "ccomp", "pcomp", "prep", "conj"})
_PARTIES: Final = frozenset({"nsubj", "nsubjpass", "dobj"})
_NONE: Final = parse_word_list("nobody nothing none neither")
_LOOSE: Final = frozenset({"neg", "advmod", "punct", "nsubj", "cc"})
_DEEPEST: Final = 6
"""Verbs above a verb that are looked at, one beneath another."""

_BEFORE: Final = 4


def iter_predicates(doc: Any) -> Iterator[Predicate]:
    """Yield the verbs of a parsed text with their factuality: fact, wish, plan and so on."""
    taken_back = {verb.i for verb in _find_retracted_verbs(doc)}
    for token in doc:
        if token.pos_ == "VERB" and not _is_auxiliary(token):
            begin = max(token.sent.start, token.i - _BEFORE)
            yield Predicate(
                lemma=token.lemma_.casefold(),
                factuality=Factuality.DENIED if token.i in taken_back else _classify(token),
                text=truncate_text(doc[begin : token.i + 1].text),
                is_main=_is_finite(token) and _is_main_verb(token),
                is_past=_is_past(token),
            )


def _find_retracted_verbs(doc: Any) -> Iterator[Any]:
    """Yield verbs that a later clause negates: the "fix" of "promised to fix it but didn't"."""
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
    """Return whether both have the same subject, unlike "told me to, but I haven't"."""
    subjects = [one.lower_ for one in denying.children if one.dep_ == "nsubj"]
    if not subjects:
        return True
    own = [one for one in verb.children if one.dep_ == "nsubj"]
    governed = verb.dep_ == "xcomp"
    asked = [one for one in verb.head.children if one.dep_ in {"dobj", "nsubj"}] if governed else []
    return any(
        _to_subject_form(one.lower_) == _to_subject_form(subjects[0])
        for one in (own or asked[::-1][:1])
    )


def _to_subject_form(pronoun: str) -> str:
    return AS_SUBJECTS.get(pronoun, pronoun)


def _is_past(verb: Any) -> bool:
    own = [one for one in verb.children if one.dep_ in {"aux", "auxpass"}]
    return any(one.tag_ == "VBD" for one in (own or [verb]))


def _is_finite(verb: Any) -> bool:
    """Return whether a verb, or its "is" or "has", is finite."""
    if any(one.tag_ == "MD" for one in verb.children):
        return False
    own = [verb, *(one for one in verb.children if one.dep_ in {"aux", "auxpass"})]
    return any(one.tag_ in _FINITE for one in own)


def _is_main_verb(verb: Any) -> bool:
    """Return whether a verb is the main verb of its sentence, or joined to it."""
    return "ROOT" in {verb.dep_, verb.head.dep_ if verb.dep_ == "conj" else ""}


def _is_auxiliary(verb: Any) -> bool:
    """Return whether it is a "be", or the "used" of "used to pay"."""
    lemma = verb.lemma_.casefold()
    return lemma == "be" or (lemma == "use" and any(one.dep_ == "xcomp" for one in verb.children))


def _classify(verb: Any, depth: int = 0) -> Factuality:
    """Return a verb's factuality: by its own words, else by the verb that governs it."""
    own = _classify_by_own_words(verb)
    if own is not Factuality.FACT or depth > _DEEPEST or verb.dep_ not in _UP:
        return own
    head = verb.head
    if verb.dep_ == "ccomp" and verb.i < head.i:
        return own  # two sentences in one: "he paid, otherwise I would have left"
    if verb.dep_ == "conj":
        has_subject = any(one.dep_ in {"nsubj", "nsubjpass"} for one in verb.children)
        return Factuality.FACT if has_subject else _classify(head, depth + 1)
    if verb.dep_ == "prep" or head.pos_ == "ADP":
        head = head.head
    governed = _classify_by_head(verb, head)
    above = _classify(head, depth + 1) if head.pos_ == "VERB" else Factuality.FACT
    if governed is Factuality.FACT or above is Factuality.DENIED:
        return above
    return governed


def _classify_by_head(verb: Any, head: Any) -> Factuality:
    lemma = head.lemma_.casefold()
    if verb.dep_ == "xcomp" and lemma == "go" and head.tag_ != "VBG":
        return Factuality.FACT
    has_subject = any(one.dep_ in {"nsubj", "nsubjpass"} for one in verb.children)
    if has_subject and verb.dep_ == "ccomp" and lemma not in _OF_CLAUSES:
        return Factuality.FACT
    return _GOVERNORS.get(lemma, Factuality.FACT)


def _classify_by_own_words(verb: Any) -> Factuality:
    """Return the factuality that a verb's own auxiliaries, adverbs and conjunctions give."""
    if any(one.dep_ == "mark" and one.lower_ in _MARKS for one in verb.children):
        return Factuality.SUPPOSED
    for one in verb.children:
        if one.dep_ in _PARTIES and _is_negative_party(one):
            return Factuality.DENIED
        if one.lower_ in _ADVERBS:
            return _ADVERBS[one.lower_]
        if one.dep_ == "neg" and not _is_not_only(one):
            return Factuality.DENIED
    modal = next((one.lower_ for one in verb.children if one.tag_ == "MD"), None)
    if modal is not None:
        return _classify_by_modal(verb, modal)
    alone = not any(one.dep_ in {"aux", "auxpass"} for one in verb.children)
    is_free = verb.tag_ == "VBG" and verb.dep_ not in _UP
    return Factuality.OPEN if (is_free and alone) or _is_progressive(verb) else Factuality.FACT


def _is_negative_party(party: Any) -> bool:
    """Return whether it is "nobody" or "no breakfast"."""
    if any(one.lower_ == "except" for one in party.sent):
        return False  # somebody does
    return party.lower_ in _NONE or any(one.lower_ == "no" for one in party.children)


def _classify_by_modal(verb: Any, modal: str) -> Factuality:
    """Return a verb's factuality behind a modal; "would" and "could" may also be past."""
    if modal in _LIKELY or _is_conditional(verb):
        return Factuality.SUPPOSED
    if modal in {"will", "'ll", "\u2019ll", "wo"}:
        return Factuality.COMING
    was = any(one.lemma_.casefold() == "have" and one.dep_ == "aux" for one in verb.children)
    return Factuality.SUPPOSED if modal in {"would", "'d", "\u2019d"} and was else Factuality.OPEN


def _is_conditional(verb: Any) -> bool:
    """Return whether the verb depends on an "if": "I would move if the rent went up"."""
    clauses = (one for one in verb.children if one.dep_ == "advcl")
    return any(mark.lower_ == "if" for one in clauses for mark in one.children)


def _is_not_only(negation: Any) -> bool:
    """Return whether it is that of "not only"."""
    rest = negation.doc[negation.i + 1 : negation.i + 2]
    return bool(rest) and rest[0].lower_ in {"only", "just", "merely"}


def _is_progressive(verb: Any) -> bool:
    """Return whether it is "we are switching", which means now, or soon."""
    return verb.tag_ == "VBG" and any(one.lemma_ == "be" for one in verb.children)
