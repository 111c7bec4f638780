"""Find what around a matched claim changes what it claims.

Each function returns an objection in words, or an empty text if it has none.

What a rule does not understand counts as an objection. None of them shows that a statement is
false: it is only not proven.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from grounding.standing.agreement import (
    check_mixed_tenses,
    check_perfects,
    check_persons,
    check_relatives,
    check_subject,
    check_verb_forms,
)
from grounding.standing.claims import is_label
from grounding.standing.gaps import MAX_ABANDONED, check_gaps, check_joined_parts
from grounding.standing.later_speech import check_correction
from grounding.standing.matching import Match
from grounding.standing.own_clauses import is_finished_clause
from grounding.standing.settings import check_direct_speech, check_setting
from grounding.standing.speech import SpokenToken, is_filler
from grounding.standing.tenses import is_past_form
from grounding.standing.tokens import Gap
from grounding.standing.vocabulary import (
    AUXILIARIES,
    BACKCHANNELS,
    COPULAS,
    EVALUATIONS,
    EXCEPTIONS,
    HESITATIONS,
    IRONY_CUES,
    NEGATIONS,
    OPENERS,
    OPERATORS,
    REPORTS,
    RETRACTING,
    SUBJECTS,
    SUBORDINATING,
    TRAILING,
)
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_LAUGHTER: Final = re.compile(r"laugh|chuckl|\bha,? ?ha\b|haha|\blol\b|snort|giggl", re.IGNORECASE)
_LAUGH: Final = 12
"""Characters behind a sentence in which its speaker may laugh about it."""
_MIN_CONTENT_WORDS: Final = 2
_MIN_WORDS: Final = 5
_MIN_CLAUSE: Final = 4
_CHARACTERS_BEFORE: Final = 40
_CHARACTERS_BEHIND: Final = 60
_COORDINATORS: Final = parse_word_list("and but so because")
_PRESENT: Final = parse_word_list("think guess feel believe reckon suppose")
_PAST: Final = parse_word_list("thought felt believed guessed")
_OPINIONS: Final = {
    **dict.fromkeys(parse_word_list("think thinks believe believes feel feels"), _PRESENT),
    **dict.fromkeys(parse_word_list("thought believed felt"), _PAST),
}
"""For the verb of a statement that says what somebody thinks, how the speaker may have said so."""
_ADDRESSES: Final = parse_word_list("man boy girl dude bro bruh")
"""Words by which a sentence may address somebody: "Man, I tried"."""
_NOUN_STARTS: Final = parse_word_list("the my our his her their")
"""Words with which a subject begins that is a noun: "my father raised sheep"."""
_PRONOUN_SUBJECTS: Final = parse_word_list("i you he she it we they there")


def check_word_count(match: Match) -> str:
    """Return an objection if a claim has too few content words to be proven, else ""."""
    texts = [text for _, text, _ in match.pairs]
    content = [text for text in texts if text not in FUNCTION_WORDS and not is_label(text)]
    begin, end = match.turn.find_sentence(match.first)
    around = (*range(begin, match.first), *range(match.last + 1, end + 1))
    is_whole = not any(_is_meant_around(match.speech, j) for j in around)
    is_clause = match.begins_with_speaker and len(match.pairs) >= _MIN_CLAUSE
    is_long = bool(content) and (is_whole or is_clause or len(match.pairs) >= _MIN_WORDS)
    return "" if is_long or len(content) >= _MIN_CONTENT_WORDS else "it has too few words to tell"


def _is_meant_around(speech: Sequence[SpokenToken], j: int) -> bool:
    return not speech[j].is_repeated and speech[j].text not in HESITATIONS


def check_citation(match: Match) -> str:
    """Return an objection if matched words are outside of the passages the note cites, else ""."""
    cited = all(match.turn.is_cited(place) for place in match.taken)
    return "" if cited else "its words stand outside of what it cites"


def check_question(match: Match) -> str:
    """Return an objection if the matched words were asked as a question, else ""."""
    begin, end = match.turn.find_sentence(match.first)
    start = [one.text for one in match.speech[begin : end + 1] if one.text not in OPENERS][:2]
    is_inverted = len(start) > 1 and start[0] in AUXILIARIES and start[1] in _PRONOUN_SUBJECTS
    asked = any(match.speech[place].token.is_asked for place in match.taken)
    return "it was asked, not said" if asked or is_inverted else ""


def check_preceding_words(match: Match) -> str:
    """Return an objection if a claim omits a sentence's beginning that changes it, else ""."""
    begin, _ = match.turn.find_sentence(match.first)
    is_joined_alike = _is_joined_alike(match)
    left = [
        j
        for j in range(begin, match.first)
        if not (is_joined_alike and _is_said_elsewhere(match, j))
        and not match.speech[j].is_repeated
        and not _is_opener(match.speech, j)
    ]
    left = _without_own_opinion(match, _without_own_subject(match, left))
    if not left:
        return ""
    texts = {match.speech[j].text for j in left}
    between = {match.speech[j].text for j in range(left[-1] + 1, match.first)}
    opening = match.speech[match.first]
    # Only a whole clause, joined to the next by "and" or the like, leaves that one as it is.
    is_clause = _is_clause([match.speech[j].text for j in left])
    has_subject = opening.text in SUBJECTS or opening.token.is_capital
    is_joined = bool(between & _COORDINATORS) and is_clause and has_subject
    if opening.token.gap is Gap.BREAK and len(left) <= MAX_ABANDONED and not texts & OPERATORS:
        return ""  # a beginning that was given up
    if is_joined and not texts & SUBORDINATING:
        return ""
    words = [match.speech[j].text for j in left]
    is_parted = opening.token.gap is Gap.COMMA and opening.text in _PRONOUN_SUBJECTS
    if is_parted and is_finished_clause(words, match.texts) and not {*words[1:2]} & COPULAS:
        return ""
    return f"before it stands {match.quote(left)}"


def _is_clause(words: Sequence[str]) -> bool:
    """Return whether words are a clause with a subject and, as far as one sees, a verb."""
    if words[0] in _PRONOUN_SUBJECTS:
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
    if speech[j].text == "no" and speech[j + 1].token.gap is Gap.NONE:
        return False  # "no one", "no time"
    is_address = speech[j].text in _ADDRESSES and speech[j + 1].token.gap is Gap.COMMA
    return speech[j].text in OPENERS or is_address


def _without_own_subject(match: Match, left: list[int]) -> list[int]:
    """Leave out the speaker as the subject, which an earlier clause of the statement names."""
    is_verb_first = match.texts[0] not in SUBJECTS
    if left and is_verb_first and match.speech[left[-1]].text == match.claim.spoken_subject:
        return left[:-1]
    return left


def _without_own_opinion(match: Match, left: list[int]) -> list[int]:
    """Leave out "I think" where the statement says that it is what the speaker thinks."""
    if match.claim.opinion and left and match.speech[left[-1]].text == "that":
        left = left[:-1]
    texts = [match.speech[j].text for j in left[-2:]]
    is_own = texts[:1] in (["i"], ["we"]) and {*texts[1:]} & _OPINIONS.get(
        match.claim.opinion, set()
    )
    return left[:-2] if is_own else left


def check_following_words(match: Match) -> str:
    """Return an objection if a claim omits a sentence's end that limits or retracts it, else ""."""
    _, end = match.turn.find_sentence(match.last)
    right = [
        j
        for j in range(match.last + 1, end + 1)
        if not _is_said_elsewhere(match, j)
        and not match.speech[j].is_repeated
        and not is_filler(match.speech, j)
    ]
    if not right:
        return ""
    texts = {match.speech[j].text for j in right}
    between = {match.speech[j].text for j in range(match.last + 1, right[0] + 1)}
    limiting = TRAILING | REPORTS | RETRACTING
    if "but" in between:
        limiting = limiting | NEGATIONS | EXCEPTIONS | {"only"}
    is_denied = any(said in NEGATIONS for _, _, said in match.pairs)
    # "They did not leave because of the work" denies the cause, and not that they left.
    joining = {"and", "but"} if is_denied else _COORDINATORS
    if between & joining and not texts & limiting:
        return ""
    words = [match.speech[j].text for j in right]
    if match.speech[right[0]].token.gap is Gap.COMMA and not is_denied:
        is_finished = is_finished_clause(words, match.texts)
    else:
        is_finished = False
    if is_finished and not texts & limiting:
        return ""
    return f"behind it stands {match.quote(right)}"


def check_irony(match: Match) -> str:
    """Return an objection if the quoted words may be a joke or ironic praise, else ""."""
    begin, _ = match.turn.find_sentence(match.first)
    _, end = match.turn.find_sentence(match.last)
    start, stop = match.speech[begin].token.start, match.speech[end].token.end
    is_praise = any(match.speech[place].text in EVALUATIONS for place in match.taken)
    if is_praise:
        start, stop = max(0, start - _CHARACTERS_BEFORE), stop + _CHARACTERS_BEHIND
    following = match.turns[match.at + 1 : match.at + 2] if is_praise else ()
    answered = "".join(turn.text[:_CHARACTERS_BEHIND] for turn in following)
    cues = {match.speech[j].text for j in range(begin, match.first)} & IRONY_CUES
    if _LAUGHTER.search(match.turn.text[start : stop + _LAUGH] + answered):
        return "it may be meant as a joke"
    return "it may be meant as a joke" if is_praise and cues else ""


def check_language(match: Match) -> str:
    """Return an objection if a quote that is not English is not repeated word for word, else ""."""
    if match.turn.is_english:
        return ""
    begin, _ = match.turn.find_sentence(match.first)
    _, end = match.turn.find_sentence(match.last)
    is_whole = all(
        j in match.taken or match.speech[j].is_repeated or match.speech[j].text in BACKCHANNELS
        for j in range(begin, end + 1)
    )
    is_same = all(text == said for _, text, said in match.pairs) and None not in match.places
    return "" if is_whole and is_same else "it is not the whole sentence, word for word"


OBJECTIONS: Final[tuple[Callable[[Match], str], ...]] = (
    check_word_count,
    check_citation,
    check_language,
    check_subject,
    check_persons,
    check_relatives,
    check_mixed_tenses,
    check_verb_forms,
    check_perfects,
    check_joined_parts,
    check_question,
    check_direct_speech,
    check_gaps,
    check_setting,
    check_irony,
)
"""What may be objected to a match itself."""

SURROUNDINGS: Final[tuple[Callable[[Match], str], ...]] = (
    check_preceding_words,
    check_following_words,
    check_correction,
)
"""What may be objected to what a match leaves out around it, if no other clause says it."""
