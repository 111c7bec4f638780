"""Find what the sentences before a matched claim make it: a supposition, or somebody's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from grounding.standing.matching import Match
from grounding.standing.speech import SpokenToken
from grounding.standing.tokens import SeparatorKind
from grounding.standing.vocabulary import (
    ADVERBS_BEFORE_VERBS,
    AUXILIARIES,
    FILLERS,
    FIRST_PERSON,
    REPORTS,
    SETTINGS,
)
from grounding.text.words import parse_word_list

_EARLIER: Final = 25
"""Words before a sentence among which a supposition or somebody's words may begin."""
_QUOTED: Final = 3
"""Words behind "he said" among which his own "I" stands."""
_QUOTATION_MARKS: Final = re.compile(r"[\"“”]")
_QUOTATIVES: Final = parse_word_list("was_like is_like")
_IMPERSONAL: Final = parse_word_list("it that this there which what")
_OWN_REPORTS: Final = parse_word_list("say said tell told ask asked hear heard mention mentioned")
_FICTIONS: Final = parse_word_list("story stories joke dream")
_INDEFINITE: Final = parse_word_list("a an this another #1")
_NO_SOURCES: Final = parse_word_list("to going_to you")
"""Words before a verb of saying that nobody else has said: "to say", "you tell"."""
_MOVES: Final = parse_word_list("goes went")
"""Verbs that report only before a comma or a quotation mark: "he goes, I hate it"."""
_UNREAL: Final = parse_word_list("would 'd could might were had should")
_KINDS: Final = parse_word_list("type plan idea")
_ADDRESSED: Final = parse_word_list("tell tells told ask asks asked")
_FIRST: Final = parse_word_list("i me my mine we us our ours")
_BEFORE_VERBS: Final = (
    AUXILIARIES
    | ADVERBS_BEFORE_VERBS
    | FILLERS
    | parse_word_list("'ll 'd have to like love hate want not never")
)


def check_not_hypothetical(match: Match) -> str:
    """Check that no earlier sentence makes a quote hypothetical; return an objection or ""."""
    begin, _ = match.turn.find_sentence(match.first)
    for j in range(max(0, begin - _EARLIER), begin):
        text = match.speech[j].text
        if text in SETTINGS and not _is_harmless_setting(match, j):
            return f"before it stands “{text}”"
    return ""


def _is_harmless_setting(match: Match, j: int) -> bool:
    text = match.speech[j].text
    if text == "if":
        return _is_real_condition(match, j)
    if text in REPORTS:
        return _is_harmless_report(match, j)
    return _is_harmless_noun(match.speech, j, match.turn.find_sentence(j)[0])


def _is_harmless_report(match: Match, j: int) -> bool:
    """Return whether a verb of saying quotes nobody else: "I said", "it was like", "to say"."""
    text, before = match.speech[j].text, _find_word_before(match.speech, j)
    if text in _QUOTATIVES:
        return before in _IMPERSONAL | {"i", "we"} or _is_outside_of_quotes(match)
    is_own = text in _OWN_REPORTS and _has_own_subject(match.speech, j)
    return is_own or before in _NO_SOURCES or _is_outside_of_quotes(match)


def _is_harmless_noun(speech: Sequence[SpokenToken], j: int, begin: int) -> bool:
    """Return whether a "story" or an "example" is not what the next sentences are."""
    text = speech[j].text
    if text in _KINDS:
        return speech[j + 1].text == "of"
    if text in {"example", "for_example"}:
        return j > begin + 1  # in the middle of a sentence it is about its neighbour
    return text in _FICTIONS and _find_word_before(speech, j) not in _INDEFINITE


def _find_word_before(speech: Sequence[SpokenToken], j: int) -> str:
    """Return the last word before a place that is no filler: "it" of "it was just like"."""
    k = j - 1
    while k >= 0 and speech[k].text in FILLERS:
        k -= 1
    return speech[k].text if k >= 0 else ""


def _is_real_condition(match: Match, j: int) -> bool:
    """Return whether "if" is in an earlier sentence than the last, and supposes nothing unreal."""
    begin, _ = match.turn.find_sentence(match.first)
    first, last = match.turn.find_sentence(j)
    texts = {one.text for one in match.speech[first : last + 1]}
    has_own = match.texts[0] == "if"
    return (last < begin - 1 or has_own) and not texts & _UNREAL


def _has_own_subject(speech: Sequence[SpokenToken], j: int) -> bool:
    """Return whether the speaker is the subject of a verb: "I would always tell", "let me tell"."""
    k = j - 1
    while (
        k >= 0 and speech[k].text in _BEFORE_VERBS and speech[k + 1].token.gap < SeparatorKind.BREAK
    ):
        k -= 1
    is_request = k > 0 and speech[k].text == "me" and speech[k - 1].text == "let"
    return is_request or (k >= 0 and speech[k].text in {"i", "we"})


def _is_outside_of_quotes(match: Match) -> bool:
    """Return whether the speaker's own "I" stands outside of quotation marks that a turn has.

    Where a transcriber marks what others said, an "I" that is not marked is the narrator's.
    """
    begin = match.speech[match.first].token.start
    marks = len(_QUOTATION_MARKS.findall(match.turn.text[:begin]))
    is_own = any(said in FIRST_PERSON for _, _, said in match.pairs)
    return is_own and marks > 0 and marks % 2 == 0


def check_not_direct_speech_of_others(match: Match) -> str:
    """Check that "I" in a quote is the speaker, not as in "he said I"; return objection or ""."""
    for place in sorted(match.taken):
        if match.speech[place].text not in REPORTS or _has_own_subject(match.speech, place):
            continue
        behind = match.speech[place + 1 : place + 1 + _QUOTED]
        if match.speech[place].text in _MOVES and (
            not behind or behind[0].token.gap is SeparatorKind.NONE
        ):
            continue
        texts = [one.text for one in behind]
        if match.speech[place].text in _ADDRESSED and texts[:1] in (["me"], ["us"]):
            # "She told me I had …" is about the speaker, "she told me, I have …" is not.
            behind = behind[1:]
            if behind and behind[0].token.gap is SeparatorKind.NONE:
                continue
        if {*texts} & _FIRST and "that" not in texts:
            return "it may be somebody else's words"
    return ""
