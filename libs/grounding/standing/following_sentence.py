"""Decide whether a sentence behind a claim may limit it: a condition, an exception, a source.

"In summer." and "Unless it rains." limit what was said before; "In March we had ducks" and "So I
went from" do not. A sentence with a clause of its own limits itself, if it takes up nothing of the
claim; a sentence without one may belong to the sentence before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from grounding.standing.own_clauses import (
    is_independent_clause,
    is_unrelated_to_claim,
    skip_connectives,
)
from grounding.standing.speech import SpokenToken
from grounding.standing.vocabulary import (
    AUXILIARIES,
    BACKCHANNELS,
    CONDITIONS,
    EXCEPTIONS,
    HEDGES,
    LIMITING_STARTS,
    NEGATIONS,
    QUANTIFIERS,
    REACTIONS,
    REPORTS,
    RETRACTING,
    SOURCES,
    SUBORDINATING,
    UNIVERSALS,
)
from grounding.text.lemmas import get_lemma
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_REMARKS: Final = parse_word_list("said was_like is_like read told")
_TAKING_UP: Final = parse_word_list("it that this so them there one #1 ones any")
_SHORT_SENTENCE: Final = 7
"""Words up to which a sentence may be an afterthought to the one before it."""
_QUESTION_WORDS: Final = parse_word_list("what how who where which why")
_SHORTEST_QUESTION: Final = 4
_ADJUNCT_STARTS: Final = parse_word_list("in on at for if when whenever once")
"""First words of an adjunct or a condition that may belong to the main clause behind it."""
_PERSONS: Final = parse_word_list("i we you he she they")
_SUBJECTS: Final = _PERSONS | {"it", "there"}
_BEHIND_SUBJECT: Final = 2
"""Words behind the subject of a main clause at least."""
_PRO_VERBS: Final = parse_word_list(
    """do does did done have has had be been am is are was were 's get got go gone mean work happen
    take use make receive keep finish want to"""
)
"""Verbs of which a denial may be about anything said before: "we didn't do it"."""
_ATTITUDES: Final = parse_word_list("like need mind care understand miss enjoy love hate")
"""Verbs of which a denial leaves open what was done."""
_ELLIPTICAL: Final = AUXILIARIES | {"not", "to", "so"}
"""Last words of a sentence that leaves a verb out: "they didn't"."""
_OPINIONS: Final = parse_word_list("think guess believe")
_COMMENTED: Final = parse_word_list("that it this")
_COMMENTING: Final = parse_word_list("is 's sounds looks feels seems")
_LONGEST_COMMENT: Final = 6
_NO_COMMENT: Final = (
    NEGATIONS
    | CONDITIONS - {"would", "'d"}
    | EXCEPTIONS
    | QUANTIFIERS
    | REACTIONS
    | RETRACTING
    | REPORTS
    | parse_word_list("in on at for before after since or used_to was were when where how what who")
)
"""Words with which "that's …" may say when, for whom or how far something was so."""


def may_limit_claim(sentence: Sequence[SpokenToken], claimed: Collection[str]) -> bool:
    """Return whether a sentence may limit the claim before it, as a condition or exception.

    Args:
        sentence: the tokens of the sentence behind the claim's.
        claimed: the claim's tokens.
    """
    texts = [one.text for one in sentence if not one.is_repeated]
    while texts and texts[0] in BACKCHANNELS:
        texts.pop(0)
    if not texts or is_unrelated_to_claim(texts, claimed) or _is_own_remark(texts):
        return False
    is_asked = sentence[-1].token.is_asked
    if is_asked and len(texts) >= _SHORTEST_QUESTION and _begins_with(texts, _QUESTION_WORDS):
        return False
    if _has_own_main_clause(texts, claimed) or _is_own_denial(texts, claimed):
        return False
    is_short = len(texts) <= _SHORT_SENTENCE
    limits = {*texts} & (SUBORDINATING | NEGATIONS | REPORTS | EXCEPTIONS | RETRACTING)
    starts = texts[0] in LIMITING_STARTS or tuple(texts[:3]) in SOURCES
    starts = starts or (is_short and {"made", "up"} <= {*texts})
    if starts or not is_short or not limits:
        return starts
    if (
        is_independent_clause(texts, claimed)
        or _is_comment(texts)
        or _is_quoting_without_source(texts)
    ):
        return False
    return not (_is_own_opinion(texts, claimed) or _moves_only(texts, limits))


def _begins_with(texts: Sequence[str], words: Collection[str]) -> bool:
    begun = skip_connectives(texts)
    return begun[:1] != [] and begun[0] in words


def _is_own_remark(texts: Sequence[str]) -> bool:
    """Return whether a sentence only reports what the speaker went on to say: "and I said okay"."""
    words = skip_connectives(texts)
    is_remark = words[:1] == ["i"] and {*words[1:2]} <= _REMARKS and len(words) > 1
    limits = SUBORDINATING | NEGATIONS | EXCEPTIONS | RETRACTING | _TAKING_UP
    return is_remark and not {*words[2:]} & limits


def _repeats_content(texts: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether words repeat a content word of a claim."""
    taken = {get_lemma(one) for one in claimed if one not in FUNCTION_WORDS}
    return any(get_lemma(one) in taken for one in texts if one not in FUNCTION_WORDS)


def _has_own_main_clause(texts: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether an "if" or "in" with which a sentence begins belongs to a clause in it."""
    words = skip_connectives(texts)
    if words[:1] == [] or words[0] not in _ADJUNCT_STARTS or {*claimed} & UNIVERSALS:
        return False
    if {*words} & (RETRACTING | REACTIONS | EXCEPTIONS) or _repeats_content(words, claimed):
        return False
    subjects = [at for at, one in enumerate(words) if at and one in _SUBJECTS]
    is_clause = words[0] in {"if", "when", "whenever", "once"}
    if len(subjects) <= is_clause:
        return False
    main = words[subjects[int(is_clause)] :]
    is_whole = main[-1:] != [] and main[-1] not in _ELLIPTICAL
    return len(main) > _BEHIND_SUBJECT and is_whole and not {*main[1:]} & _TAKING_UP


def _is_own_denial(texts: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether the speaker denies something else than the claim: "I don't like it"."""
    words = skip_connectives(texts)
    is_about_claim = bool({*claimed} & UNIVERSALS) or _repeats_content(words, claimed)
    if words[:1] not in (["i"], ["we"]) or is_about_claim or words[-1] in _ELLIPTICAL:
        return False
    denied = [at for at, one in enumerate(words[:-1]) if one in {"not", "never"}]
    if len(denied) != 1 or {*words} & (REACTIONS | RETRACTING | EXCEPTIONS | HEDGES | REPORTS):
        return False
    verb = words[denied[0] + 1]
    if {*words} & _TAKING_UP:
        return verb in _ATTITUDES  # "I own a boat. I never bought it."
    return verb not in FUNCTION_WORDS | _PRO_VERBS | NEGATIONS | QUANTIFIERS


def _is_comment(texts: Sequence[str]) -> bool:
    """Return whether a sentence says how the speaker likes what was said: "that would be fun"."""
    words = skip_connectives(texts)
    if words[:1] == [] or words[0] not in _COMMENTED or len(words) > _LONGEST_COMMENT:
        return False
    is_comment = words[1:2] != [] and (
        words[1] in _COMMENTING or (words[1] in {"would", "'d"} and words[2:3] == ["be"])
    )
    return is_comment and len(words) > _BEHIND_SUBJECT and not {*words} & _NO_COMMENT


def _is_quoting_without_source(texts: Sequence[str]) -> bool:
    """Return whether "it was like" or "I was like" begins what nobody else is said to have said."""
    words = skip_connectives(texts)
    begins = words[:1] != [] and words[0] in {"i", "it", "that", "we"}
    return (
        begins
        and words[1:2] in (["was_like"], ["is_like"])
        and not ({*words[2:]} & (EXCEPTIONS | NEGATIONS | RETRACTING))
    )


def _is_own_opinion(texts: Sequence[str], claimed: Collection[str]) -> bool:
    """Return whether a sentence is an opinion about something else: "I think we counted them"."""
    words = skip_connectives(texts)
    if words[:1] != ["i"] or words[1:2] == [] or words[1] not in _OPINIONS:
        return False
    then = words[2 + (words[2:3] == ["that"]) :]
    return len(then) > _BEHIND_SUBJECT and is_unrelated_to_claim(then, claimed)


def _moves_only(texts: Sequence[str], limits: Collection[str]) -> bool:
    """Return whether the only word that may limit is "went" before where somebody went."""
    return {*limits} <= {"went", "goes"} and {*texts} & _SUBJECTS != set()
