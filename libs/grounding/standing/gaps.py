"""Object to what a claim leaves out, or puts, between the words that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from grounding.standing.matching import JOINING, Match
from grounding.standing.speech import SpokenToken, is_filler
from grounding.standing.tenses import is_past_form
from grounding.standing.tokens import SeparatorKind
from grounding.standing.vocabulary import (
    ARTICLES,
    AUXILIARIES,
    COPULAS,
    FILLERS,
    OPERATORS,
    PAST_FORMS,
    SUBORDINATING,
)
from grounding.text.lexicon import get_word_classes, may_be_base_verb
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_OTHER_SUBJECTS: Final = parse_word_list("who whom that which he she they it you we there where")
_PLACES: Final = FILLERS | {"there", "here"}
_CLAUSE_OPENERS: Final = parse_word_list("and but so because if that when")
_DETERMINERS: Final = parse_word_list("a an the this these those my our many some of")
_INTERRUPTIONS: Final = parse_word_list("uh um er uhm erm")
_NOMINATIVE: Final = parse_word_list("i you he she it we they")
_NO_SUBJECT: Final = AUXILIARIES | COPULAS | PAST_FORMS | {*_NOMINATIVE, "who", "which", "to"}
"""Words that a subject of a noun does not have."""
_SHORT_FRAGMENT: Final = 7
"""Letters up to which a word may be one that was begun and given up."""
_AGAIN: Final = 12
"""Words behind a repeated one within which it is said again."""
MAX_ABANDONED: Final = 3
"""Words left out before a break that count as an abandoned start."""


def check_joined_parts(match: Match) -> str:
    """Check that an "and" added by a claim may join two clauses; return an objection or "".

    "I make the bread, I buy the rest" may become "she makes the bread and buys the rest".
    """
    for i, (text, place) in enumerate(zip(match.texts, match.places, strict=True)):
        if place is None and text in JOINING and i + 1 < len(match.places):
            then = match.places[i + 1]
            if then is None or not _leaves_out_own_subject(match, i, then - 1):
                return f"“{text}” is not said"
    return ""


def _leaves_out_own_subject(match: Match, i: int, j: int) -> bool:
    """Return whether a spoken "I" repeats the subject of a claim that goes on with an "and"."""
    one = match.speech[j]
    if j <= match.first or one.text not in _NOMINATIVE:
        return False
    # "He came and he sold it" has one subject, if the claim names it by the same word.
    is_same_other = match.places[0] == match.first and match.texts[0] == one.text
    if not (match.begins_with_speaker if one.text in {"i", "we"} else is_same_other):
        return False
    is_parted = (
        one.token.gap >= SeparatorKind.COMMA or match.speech[j - 1].text in JOINING | FILLERS
    )
    # "She knows the man who drove and sold the eggs" has two possible subjects.
    has_other_subject = {*match.texts[1:i]} & (SUBORDINATING - {"not"}) or any(
        text in _OTHER_SUBJECTS and not _is_object(match.texts, k)
        for k, text in enumerate(match.texts[1:i], start=1)
    )
    is_same_person = match.speech[match.first].text == one.text
    return is_parted and is_same_person and not has_other_subject


def _is_object(texts: Sequence[str], k: int) -> bool:
    """Return whether an "it" or "that" has no verb behind it: "doing it a couple of times"."""
    then = texts[k + 1] if k + 1 < len(texts) else "and"
    is_verb = then in AUXILIARIES | COPULAS or is_past_form(then)
    is_function = then in FUNCTION_WORDS | JOINING or then.startswith("#")
    return texts[k] in {"it", "that"} and not is_verb and is_function


def check_omitted_words(match: Match) -> str:
    """Check that a claim omits no meaningful words of the quote; return an objection or ""."""
    inner = (j for j in range(match.first, match.last) if j not in match.taken)
    for _, run in groupby(enumerate(inner), lambda one: one[1] - one[0]):
        places = [j for _, j in run]
        if left_out := _list_meant(match, places):
            words = match.quote(left_out)
            if _is_given_up(match, places, left_out):
                continue
            return f"it leaves out {words}"
    return ""


def _list_meant(match: Match, places: Iterable[int]) -> list[int]:
    """Return the places of words that mean something of what is left out."""
    return [
        j
        for j in places
        if not _is_said_again(match, j)
        and match.speech[j].text not in ARTICLES
        and not is_filler(match.speech, j)
        and not _takes_up_noun(match, j)
        and not _is_emphatic(match, j)
        and not _is_shared_subject(match, j)
        and not _is_begun(match, j)
    ]


def _is_begun(match: Match, j: int) -> bool:
    """Return whether a token is the beginning of a word that was given up: "a glo- uh, certain"."""
    one, then = match.speech[j], match.speech[j + 1]
    is_interrupted = then.token.gap is SeparatorKind.BREAK or then.text in _INTERRUPTIONS
    following = (match.speech[k].text for k in range(j + 1, min(j + 4, match.last + 1)))
    is_repeated = any(len(k) > len(one.text) and k.startswith(one.text) for k in following)
    is_word = one.text in FUNCTION_WORDS | OPERATORS or one.token.is_capital
    is_short = len(one.text) <= _SHORT_FRAGMENT and one.text.isalpha()
    return (is_short and not is_word and (is_interrupted or is_repeated)) and not get_word_classes(
        one.text
    )


def _is_said_again(match: Match, j: int) -> bool:
    """Return whether a word is repeated; of an operator, the repetition has to be matched."""
    text = match.speech[j].text
    if not match.speech[j].is_repeated or text not in OPERATORS:
        return match.speech[j].is_repeated
    return any(k in match.taken and match.speech[k].text == text for k in range(j + 1, j + _AGAIN))


def _takes_up_noun(match: Match, j: int) -> bool:
    """Return whether a pronoun takes up the noun right before it: "the users, they want"."""
    noun = j - 1
    while noun > match.first and (
        match.speech[noun].text in _PLACES or match.speech[noun].is_repeated
    ):
        noun -= 1
    if match.speech[j].text not in {"he", "she", "it", "they"} or noun not in match.taken:
        return False
    word = match.speech[noun].text
    if word in FUNCTION_WORDS | OPERATORS:
        return False
    earlier = {match.speech[k].text for k in range(match.first, noun)}
    begins = match.turn.find_sentence(match.first)[0] == match.first
    if begins and not earlier & (_CLAUSE_OPENERS - {"and"}):
        return True
    is_subject = match.speech[j].text == "they" and _begins_subject(match, noun)
    if is_subject and not _is_relative_clause(match.speech, j):
        return True
    # Behind a clause's beginning "the users they want" may be "users whom they want".
    is_plural = word.endswith("s") or word in {"people", "children"}
    begin = noun - 1
    has_article = match.speech[begin].text in _DETERMINERS
    opens = match.speech[begin - 1].text in _CLAUSE_OPENERS
    is_parted = match.speech[j].token.gap >= SeparatorKind.COMMA
    agrees = is_plural == (match.speech[j].text == "they")
    return agrees and has_article and opens and is_parted and begin - 1 >= match.first


def _is_relative_clause(speech: Sequence[SpokenToken], j: int) -> bool:
    """Return whether behind "they" stand two verbs: "the users they trust pay for it"."""
    verbs = [one.text for one in speech[j + 1 :] if one.text not in FILLERS][:2]
    is_compound = verbs[:1] != [] and verbs[0] in AUXILIARIES | COPULAS
    return (
        not is_compound
        and len(verbs) > 1
        and (
            may_be_base_verb(verbs[1])
            or verbs[1] in AUXILIARIES | COPULAS
            or is_past_form(verbs[1])
        )
    )


def _begins_subject(match: Match, noun: int) -> bool:
    """Return whether a plural noun behind "and" or "that" is a subject: "fifty percent of users".

    What is claimed has to go on to the end of its clause: in "the phones they sell are good" they
    are what is sold.
    """
    word = match.speech[noun].text
    begin = noun
    while begin > match.first and match.speech[begin - 1].text not in _CLAUSE_OPENERS:
        begin -= 1
        if match.speech[begin].text in _NO_SUBJECT:
            return False
        if match.speech[begin + 1].token.gap >= SeparatorKind.COMMA:
            return False
    _, end = match.turn.find_sentence(match.last)
    behind = match.speech[match.last + 1 : match.last + 2] if match.last < end else ()
    is_whole = not behind or (
        behind[0].token.gap >= SeparatorKind.COMMA or behind[0].text in _CLAUSE_OPENERS | FILLERS
    )
    is_plural = word.endswith("s") or word in {"people", "children"}
    return is_plural and is_whole


def _is_emphatic(match: Match, j: int) -> bool:
    """Return whether a "do" only stresses the verb behind it: "the users they do find it ugly"."""
    if match.speech[j].text not in {"do", "does"} or j + 1 not in match.taken or not j:
        return False
    is_verb = match.speech[j + 1].text not in FUNCTION_WORDS | OPERATORS
    before = match.speech[j - 1]
    return is_verb and (before.text in _NOMINATIVE or j - 1 in match.taken)


def _is_shared_subject(match: Match, j: int) -> bool:
    if match.speech[j].text not in _NOMINATIVE or j + 1 not in match.taken:
        return False
    i = match.places.index(j + 1)
    return i > 0 and match.texts[i - 1] in JOINING and _leaves_out_own_subject(match, i - 1, j)


def _is_given_up(match: Match, run: Sequence[int], left_out: Sequence[int]) -> bool:
    """Return whether a stretch is a few words before a break, without operators."""
    is_broken_off = match.speech[run[-1] + 1].token.gap is SeparatorKind.BREAK
    has_operator = any(match.speech[j].text in OPERATORS for j in left_out)
    return is_broken_off and len(left_out) <= MAX_ABANDONED and not has_operator
