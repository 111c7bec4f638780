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
    check_added_s,
    check_added_verbs,
    check_mixed_tenses,
    check_perfect_contractions,
    check_pronoun_references,
    check_relative_pronouns,
    check_subject,
)
from grounding.standing.gaps import check_joined_parts, check_omitted_words
from grounding.standing.later_speech import check_not_retracted_later
from grounding.standing.matching import Match
from grounding.standing.names import is_speaker_placeholder
from grounding.standing.preceding_context import (
    check_not_direct_speech_of_others,
    check_not_hypothetical,
)
from grounding.standing.speech import SpokenToken
from grounding.standing.surroundings import check_following_words, check_preceding_words
from grounding.standing.vocabulary import (
    AUXILIARIES,
    BACKCHANNELS,
    EVALUATIONS,
    HESITATIONS,
    IRONY_CUES,
    OPENERS,
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
_PRONOUN_SUBJECTS: Final = parse_word_list("i you he she it we they there")


def check_enough_content_words(match: Match) -> str:
    """Check that a claim has enough content words to be proven; return an objection or ""."""
    texts = [text for _, text, _ in match.pairs]
    content = [
        text for text in texts if text not in FUNCTION_WORDS and not is_speaker_placeholder(text)
    ]
    begin, end = match.turn.find_sentence(match.first)
    around = (*range(begin, match.first), *range(match.last + 1, end + 1))
    is_whole = not any(_is_meant_around(match.speech, j) for j in around)
    is_clause = match.begins_with_speaker and len(match.pairs) >= _MIN_CLAUSE
    is_long = bool(content) and (is_whole or is_clause or len(match.pairs) >= _MIN_WORDS)
    return "" if is_long or len(content) >= _MIN_CONTENT_WORDS else "it has too few words to tell"


def _is_meant_around(speech: Sequence[SpokenToken], j: int) -> bool:
    return not speech[j].is_repeated and speech[j].text not in HESITATIONS


def check_citation_covers_claim(match: Match) -> str:
    """Check that a note cites the passages that prove its claim; return an objection or ""."""
    cited = all(match.turn.is_cited(place) for place in match.taken)
    return "" if cited else "its words stand outside of what it cites"


def check_not_a_question(match: Match) -> str:
    """Check that the quoted words were not asked as a question; return an objection or ""."""
    begin, end = match.turn.find_sentence(match.first)
    start = [one.text for one in match.speech[begin : end + 1] if one.text not in OPENERS][:2]
    is_inverted = len(start) > 1 and start[0] in AUXILIARIES and start[1] in _PRONOUN_SUBJECTS
    asked = any(match.speech[place].token.is_asked for place in match.taken)
    return "it was asked, not said" if asked or is_inverted else ""


def check_not_ironic(match: Match) -> str:
    """Check that the quoted words are no joke or ironic praise; return an objection or ""."""
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


def check_foreign_quote_is_verbatim(match: Match) -> str:
    """Check that a quote not in English is repeated word for word; return an objection or ""."""
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
    check_enough_content_words,
    check_citation_covers_claim,
    check_foreign_quote_is_verbatim,
    check_subject,
    check_pronoun_references,
    check_relative_pronouns,
    check_mixed_tenses,
    check_added_s,
    check_added_verbs,
    check_perfect_contractions,
    check_joined_parts,
    check_not_a_question,
    check_not_direct_speech_of_others,
    check_omitted_words,
    check_not_hypothetical,
    check_not_ironic,
)
"""What may be objected to a match itself."""

SURROUNDINGS: Final[tuple[Callable[[Match], str], ...]] = (
    check_preceding_words,
    check_following_words,
    check_not_retracted_later,
)
"""What may be objected to what a match leaves out around it, if no other clause says it."""
