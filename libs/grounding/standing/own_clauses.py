"""Recognize clauses beside a claim that stand on their own and leave the claim as it is.

"We bought the vase in 1987. They had no papers." says something further; "We bought it. We didn't
last year." and "I own a boat. I doubt it." take something back. A clause is a whitelist, too: it
has a personal subject and a verb, says something new, and takes up nothing of the claim.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from grounding.standing.vocabulary import (
    AUXILIARIES,
    BACKCHANNELS,
    EXCEPTIONS,
    HESITATIONS,
    NEGATIONS,
    OPERATORS,
    PAST_FORMS,
    REACTIONS,
    REPORTS,
    RETRACTING,
    SUBORDINATING,
    UNIVERSALS,
)
from grounding.text.lemmas import get_lemma
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_PERSONS: Final = parse_word_list("i we he she they")
_NOUN_STARTS: Final = parse_word_list("the my our his her their")
_CONDITIONAL_STARTS: Final = parse_word_list("if when whenever")
_POSSESSIVES: Final = parse_word_list("my our his her their")
_CONNECTIVES: Final = HESITATIONS | BACKCHANNELS | parse_word_list("and so then now")
_HARMLESS: Final = parse_word_list("not went goes")
_PLAIN_NEGATIONS: Final = parse_word_list("not never no")
_TAKING_UP: Final = parse_word_list(
    "it that this them there one #1 ones any either neither mine both these those"
)
"""Words that take up what was said before."""
_VERBS_OF_GRAMMAR: Final = parse_word_list("have be get got even really just")
_THOUGHTS: Final = parse_word_list(
    """theory theories rumor rumour rumors rumours saying story stories belief feeling impression
    fear hope claim opinion view excuse nightmare plan suspicion argument slogan motto line myth
    article headline question doubt"""
)
"""Nouns of which the clause behind them may be what they are about: "he had a theory, the moon"."""
_OTHERS_THINK: Final = parse_word_list("think thinks believe believes feel feels")
_FRAMES: Final = parse_word_list(
    "yesterday today tomorrow tonight then before earlier later anymore alone here when"
)
"""Words behind a negation whose verb is left out: "I didn't yesterday"."""
_BE: Final = parse_word_list("am is are was were 's")
_NOT_SINCE: Final = parse_word_list("since years year ages months weeks long")
_SHORTEST: Final = 4
_BE_AND_HAVE: Final = parse_word_list("was were had is are am have 's")


def is_independent_clause(words: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether a clause next to a claim adds information but does not limit the claim.

    Args:
        words: the clause's tokens, without those said twice.
        claimed: the claim's tokens.
    """
    texts = skip_connectives(words)
    if len(texts) < _SHORTEST or not _begins_with_person(texts) or UNIVERSALS & {*claimed}:
        return False
    said = {*texts}
    if said & (EXCEPTIONS | REACTIONS) or (said & SUBORDINATING) - _HARMLESS:
        return False
    if said & NEGATIONS - _PLAIN_NEGATIONS:
        return False
    if said & {"not", "never"} and (texts[0] not in {"i", "we"} or said & _NOT_SINCE):
        return False  # "We dined with the mayor. He never came."
    takes_back = said & (_PLAIN_NEGATIONS | RETRACTING)
    if takes_back and (said & _TAKING_UP or not _has_verb_behind_negation(texts)):
        return False
    return _says_something_new(texts, claimed)


def is_independent_comma_clause(words: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether a clause joined to a claim by a comma leaves its meaning unchanged.

    "I win, I buy a boat" is a condition, so the clause has to be past, or to have "be" or "have";
    "I sold it, I bought it back" takes it up again.
    """
    texts = skip_connectives(words)
    is_present = len(texts) < _SHORTEST or not (
        texts[1] in _BE_AND_HAVE or texts[1] in PAST_FORMS or texts[1].endswith("ed")
    )
    if is_present or {*texts} & (_TAKING_UP | RETRACTING | _PLAIN_NEGATIONS | _THOUGHTS):
        return False
    return is_independent_clause(texts, claimed)


def is_unrelated_to_claim(words: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether a sentence is about something other than a claim, and does not limit it.

    It may have conditions and hedges of its own, which limit what it says itself. An "if" or "when"
    with which it begins belongs to its main clause, if it has one.
    """
    texts = _skip_condition(skip_connectives(words))
    if len(texts) < _SHORTEST or UNIVERSALS & {*claimed} or texts[-1] in AUXILIARIES:
        return False
    is_noun = texts[0] in _NOUN_STARTS and texts[1] not in FUNCTION_WORDS
    if not is_noun and not _begins_with_person(texts):
        return False
    if texts[0] in {"he", "she", "they"} and texts[1] in _OTHERS_THINK:
        texts = ["they", *texts[2:]]  # what somebody else thinks is new, and limits nothing
    said = {*texts}
    if said & (REACTIONS | RETRACTING | REPORTS | EXCEPTIONS - {"though"} | _TAKING_UP):
        return False
    if said & NEGATIONS and (texts[0] in {"he", "she", "they"} or said & _NOT_SINCE):
        return False
    return _has_verb_behind_negation(texts) and _says_something_new(texts, claimed)


def _skip_condition(texts: list[str]) -> list[str]:
    """Return tokens without a subordinate clause with which they begin."""
    if texts[:1] and texts[0] in _CONDITIONAL_STARTS:
        subjects = [at for at, one in enumerate(texts) if one in _PERSONS]
        if texts[1] in _NOUN_STARTS:
            subjects.insert(0, 1)
        return texts[subjects[1] :] if len(subjects) > 1 else []
    return texts


def skip_connectives(words: Sequence[str]) -> list[str]:
    """Return a clause's words without "and", "then" and fillers at its beginning."""
    begin = 0
    while begin < len(words) and words[begin] in _CONNECTIVES:
        begin += 1
    return list(words[begin:])


def _begins_with_person(texts: Sequence[str]) -> bool:
    if texts[0] in _POSSESSIVES:
        return texts[1] not in FUNCTION_WORDS
    is_elliptical = texts[1] in {"do", "does", "did"} and texts[2] != "not"
    return texts[0] in _PERSONS and not is_elliptical


def _has_verb_behind_negation(texts: Sequence[str]) -> bool:
    """Return whether each negation has the verb that it denies: not "we don't on Sundays".

    "I am not serious" is about what was said before.
    """
    if texts[-1] in AUXILIARIES | {"not", "to"}:
        return False
    for at, text in enumerate(texts[:-1]):
        then = texts[at + 1]
        is_grammar = then in FUNCTION_WORDS and then not in _VERBS_OF_GRAMMAR
        if text == "not" and at and texts[at - 1] in _BE:
            return False
        if text in {"not", "never"} and (is_grammar or then in _FRAMES | OPERATORS):
            return False
    return True


def _says_something_new(texts: Sequence[str], claimed: Collection[str]) -> bool:
    taken = {get_lemma(one) for one in claimed if one not in FUNCTION_WORDS}
    content = [one for one in texts if one not in FUNCTION_WORDS | OPERATORS | RETRACTING]
    return bool(content) and not any(get_lemma(one) in taken for one in content)
