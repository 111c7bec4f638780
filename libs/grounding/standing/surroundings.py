"""Object to what stands beside a claim in its sentence, in front of it or behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grounding.standing.frames import count_tokens_without_frames, count_tokens_without_opinion
from grounding.standing.gaps import MAX_ABANDONED
from grounding.standing.matching import Match
from grounding.standing.own_clauses import is_independent_comma_clause
from grounding.standing.speech import SpokenToken, is_filler
from grounding.standing.tenses import is_past_form
from grounding.standing.tokens import SeparatorKind
from grounding.standing.vocabulary import (
    AUXILIARIES,
    COPULAS,
    EXCEPTIONS,
    NEGATIONS,
    OPENERS,
    OPERATORS,
    REACTIONS,
    REPORTS,
    RETRACTING,
    SUBJECTS,
    SUBORDINATING,
    TRAILING,
    UNIVERSALS,
)
from grounding.text.words import parse_word_list

_COORDINATORS: Final = parse_word_list("and but so because plus")
_GOVERNING: Final = SUBORDINATING | parse_word_list(
    "doubt doubts doubted dream dreamed dreamt joke joked joking kidding lie lied lying"
)
"""Words that may reach over a clause that "and" joins to theirs: "I doubt he came and she left"."""
_COMMENTS: Final = parse_word_list(
    """absolutely certainly indeed frankly fortunately unfortunately sadly luckily thankfully
    finally first firstly second secondly third thirdly incidentally exactly"""
)
"""Adverbs that say how a sentence is meant, or where in a talk it stands, if a comma follows."""
_LOCAL_HEDGES: Final = parse_word_list(
    "about around nearly almost roughly approximately fairly somewhat partly kind_of"
)
"""Hedges of the word that follows them, which reach over no other clause."""
_ADDING: Final = parse_word_list("which including what who where whose so_that")
"""Words that begin what is added to a sentence behind a comma, and does not restrict it."""
_NOT_RESTRICTING: Final = frozenset({"which", "including"})
_ADDED_BY: Final = 3
"""First words of what is added that may say whose it is: ", which he said …"."""
_OPINIONS: Final = parse_word_list("guess think believe suppose hope feel")
_NOUN_STARTS: Final = parse_word_list("the my our his her their")
"""Words with which a subject begins that is a noun: "my father raised sheep"."""
_NOUN_SUBJECTS: Final = parse_word_list("the my our his her their many people")
_LONGEST_SUBJECT: Final = 5
"""Words within which the verb stands of a clause that begins with a noun."""
_PRONOUN_SUBJECTS: Final = parse_word_list("i you he she it we they there")


def check_preceding_words(match: Match) -> str:
    """Check that omitted words before a quote do not limit it; return an objection or ""."""
    begin, _ = match.turn.find_sentence(match.first)
    is_joined_alike = _is_joined_alike(match)
    left = [
        j
        for j in range(begin, match.first)
        if not (is_joined_alike and _is_said_elsewhere(match, j))
        and not match.speech[j].is_repeated
        and not _is_opener(match.speech, j)
    ]
    left = _without_own_subject(match, left)
    said = [match.speech[j].text for j in left]
    left = left[: count_tokens_without_opinion(said, match.claim.opinion)]
    opening = match.speech[match.first]
    has_subject = opening.text in SUBJECTS or opening.token.is_capital
    if has_subject and left:
        left = left[: count_tokens_without_frames([match.speech[j].text for j in left])]
    if not left:
        return ""
    texts = {match.speech[j].text for j in left}
    between = {match.speech[j].text for j in range(left[-1] + 1, match.first)}
    # Only a whole clause, joined to the next by "and" or the like, leaves that one as it is.
    is_clause = _is_clause([match.speech[j].text for j in left])
    is_joined = bool(between & _COORDINATORS) and is_clause and has_subject
    if (
        opening.token.gap is SeparatorKind.BREAK
        and len(left) <= MAX_ABANDONED
        and not texts & OPERATORS
    ):
        return ""  # a beginning that was given up
    if is_joined and not texts & (_GOVERNING - _LOCAL_HEDGES):
        return ""
    words = [match.speech[j].text for j in left]
    has_own_subject = opening.text in _PRONOUN_SUBJECTS or _begins_with_noun_and_verb(match)
    is_parted = opening.token.gap is SeparatorKind.COMMA and has_own_subject
    if (
        is_parted
        and is_independent_comma_clause(words, match.texts)
        and not {*words[1:2]} & COPULAS
    ):
        return ""
    return f"before it stands {match.quote(left)}"


def _begins_with_noun_and_verb(match: Match) -> bool:
    """Return whether a claim begins with a noun as its subject, and a verb: "many people have"."""
    begin = match.texts[:_LONGEST_SUBJECT]
    has_verb = any(one in AUXILIARIES or is_past_form(one) for one in begin[2:])
    return begin[0] in _NOUN_SUBJECTS and has_verb


def _is_clause(words: Sequence[str]) -> bool:
    """Return whether words are a clause with a subject and, as far as one sees, a verb."""
    if words[0] in _PRONOUN_SUBJECTS or (words[0] in {"that", "this"} and {*words[1:2]} & COPULAS):
        return True
    has_verb = any(one in AUXILIARIES | COPULAS or is_past_form(one) for one in words[2:])
    return words[0] in _NOUN_STARTS and words[1:2] != ["'s"] and has_verb


def _is_joined_alike(match: Match) -> bool:
    """Return whether an "and" that joins a clause to the one before is said there, too.

    "The teacher, my sister, left" does not say that the teacher and the sister did.
    """
    last = max((j for j in match.proven if j < match.first), default=-1)
    between = {match.speech[j].text for j in range(last + 1, match.first)}
    return not match.claim.joined_by or match.claim.joined_by in between


def _is_said_elsewhere(match: Match, j: int) -> bool:
    """Return whether another clause of the statement says a word that does not govern this one."""
    return j in match.proven and match.speech[j].text not in SUBORDINATING


def _is_opener(speech: Sequence[SpokenToken], j: int) -> bool:
    if speech[j].text == "no" and speech[j + 1].token.gap is SeparatorKind.NONE:
        return False  # "no one", "no time"
    is_comment = speech[j].text in _COMMENTS and speech[j + 1].token.gap is SeparatorKind.COMMA
    return speech[j].text in OPENERS or is_comment


def _without_own_subject(match: Match, left: list[int]) -> list[int]:
    """Leave out the speaker as the subject, which an earlier clause of the statement names."""
    is_verb_first = match.texts[0] not in SUBJECTS
    if left and is_verb_first and match.speech[left[-1]].text == match.claim.spoken_subject:
        return left[:-1]
    return left


def check_following_words(match: Match) -> str:
    """Check that words after a quote, as "but only at first", do not limit it; else object."""
    _, end = match.turn.find_sentence(match.last)
    right = [
        j
        for j in range(match.last + 1, end + 1)
        if not _is_said_elsewhere(match, j)
        and not match.speech[j].is_repeated
        and not is_filler(match.speech, j)
    ]
    said = [match.speech[j].text for j in right]
    if not said or count_tokens_without_opinion(said, match.claim.opinion) == 0:
        return ""
    texts = {match.speech[j].text for j in right}
    between = {match.speech[j].text for j in range(match.last + 1, right[0] + 1)}
    limiting = TRAILING | REPORTS | RETRACTING
    if "and" in between and _begins_own_opinion(said):
        texts = {*said[2:]}
    if "but" in between:
        limiting = limiting | NEGATIONS | EXCEPTIONS | {"only"}
    is_denied = any(said in NEGATIONS for _, _, said in match.pairs)
    # "They did not leave because of the work" denies the cause, and not that they left.
    joining = {"and", "but"} if is_denied else _COORDINATORS
    if between & joining and not texts & limiting:
        return ""
    is_parted = match.speech[right[0]].token.gap is SeparatorKind.COMMA and not is_denied
    may_restrict = said[0] not in _NOT_RESTRICTING and {*match.texts} & UNIVERSALS
    if is_parted and _is_addition(said) and not may_restrict:
        return ""
    if is_parted and is_independent_comma_clause(said, match.texts) and not texts & limiting:
        return ""
    return f"behind it stands {match.quote(right)}"


def _begins_own_opinion(words: Sequence[str]) -> bool:
    """Return whether behind an "and" follows an opinion about something: "and I guess we'll go"."""
    is_opinion = words[0] in {"i", "we"} and {*words[1:2]} & _OPINIONS
    return bool(is_opinion) and {*words[2:3]} <= SUBJECTS and len(words) > _ADDED_BY


def _is_addition(words: Sequence[str]) -> bool:
    """Return whether words behind a comma add something without a limit: "which burned down"."""
    limits = (SUBORDINATING - REPORTS) | EXCEPTIONS | REACTIONS | RETRACTING | {"only"}
    begins = words[0] in _ADDING and not {*words[:_ADDED_BY]} & (REPORTS | NEGATIONS)
    return begins and not {*words} & limits
