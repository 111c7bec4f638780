"""Object to what a claim leaves out, or puts, between the words that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from grounding.standing.matching import JOINING, Match
from grounding.standing.speech import is_filler
from grounding.standing.tokens import SeparatorKind
from grounding.standing.vocabulary import ARTICLES, FILLERS, OPERATORS, SUBORDINATING
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_OTHER_SUBJECTS: Final = parse_word_list("who whom that which he she they it you we there where")
_PLACES: Final = FILLERS | {"there", "here"}
_CLAUSE_OPENERS: Final = parse_word_list("and but so because if that when")
_DETERMINERS: Final = parse_word_list("a an the this these those my our many some of")
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
    if j <= match.first or one.text not in {"i", "we"} or not match.begins_with_speaker:
        return False
    is_parted = (
        one.token.gap >= SeparatorKind.COMMA or match.speech[j - 1].text in JOINING | FILLERS
    )
    # "She knows the man who drove and sold the eggs" has two possible subjects.
    has_other_subject = {*match.texts[1:i]} & (_OTHER_SUBJECTS | SUBORDINATING - {"not"})
    is_same_person = match.speech[match.first].text == one.text
    return is_parted and is_same_person and not has_other_subject


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
        and not _is_shared_subject(match, j)
    ]


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
    # Behind a clause's beginning "the users they want" may be "users whom they want".
    is_plural = word.endswith("s") or word in {"people", "children"}
    begin = noun - 1
    has_article = match.speech[begin].text in _DETERMINERS
    opens = match.speech[begin - 1].text in _CLAUSE_OPENERS
    is_parted = match.speech[j].token.gap >= SeparatorKind.COMMA
    agrees = is_plural == (match.speech[j].text == "they")
    return agrees and has_article and opens and is_parted and begin - 1 >= match.first


def _is_shared_subject(match: Match, j: int) -> bool:
    if match.speech[j].text not in {"i", "we"} or j + 1 not in match.taken:
        return False
    i = match.places.index(j + 1)
    return i > 0 and match.texts[i - 1] in JOINING and _leaves_out_own_subject(match, i - 1, j)


def _is_given_up(match: Match, run: Sequence[int], left_out: Sequence[int]) -> bool:
    """Return whether a stretch is a few words before a break, without operators."""
    is_broken_off = match.speech[run[-1] + 1].token.gap is SeparatorKind.BREAK
    has_operator = any(match.speech[j].text in OPERATORS for j in left_out)
    return is_broken_off and len(left_out) <= MAX_ABANDONED and not has_operator
