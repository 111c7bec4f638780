"""Recognize words beside a claim that present it and leave it as it is: "I know that", "I think".

What a speaker knows is so: without "I know" the rest says the same. "I think" is left out only if
the statement says that it is what the speaker thinks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grounding.text.words import parse_word_list

_PRESENT: Final = parse_word_list("think guess feel believe reckon suppose")
_PAST: Final = parse_word_list("thought felt believed guessed")
_GUESSES: Final = parse_word_list("guess suppose")
_OPINIONS: Final = {
    **dict.fromkeys(parse_word_list("think thinks believe believes feel feels"), _PRESENT),
    **dict.fromkeys(parse_word_list("thought believed felt"), _PAST),
    **dict.fromkeys(parse_word_list("guess guesses suppose supposes"), _GUESSES),
}
"""For the verb of a statement that says what somebody thinks, how the speaker may have said so."""
_FACTIVE: Final = parse_word_list("know knew realize realized realise realised noticed learned")
"""Verbs of which the clause behind them is so, if they are not denied."""
_PRESENTING: Final[frozenset[tuple[str, ...]]] = frozenset(
    (*noun, verb)
    for noun in (("the", "thing"), ("thing",), ("the", "fact"), ("the", "truth"), ("the", "point"))
    for verb in ("is", "'s")
)
_LONGEST_PRESENTING: Final = max(map(len, _PRESENTING))
_OWN_REPORTS: Final = parse_word_list("said mentioned told")
_SOURCE_LIMITS: Final = parse_word_list(
    "if not never maybe perhaps might would could he she they but or unless hope hoped"
)


def count_tokens_without_opinion(texts: Sequence[str], opinion: str) -> int:
    """Count the words that remain without a final "I think" or "I think that".

    Args:
        texts: the tokens beside a claim.
        opinion: the verb by which the statement says that somebody thinks so; empty if by none.
    """
    end = len(texts) - (bool(opinion) and texts[-1:] == ["that"])
    is_own = texts[end - 2 : end - 1] in (["i"], ["we"])
    return end - 2 if is_own and texts[end - 1] in _OPINIONS.get(opinion, ()) else len(texts)


def count_tokens_without_frames(texts: Sequence[str]) -> int:
    """Count the words before a clause that remain without a frame such as "I know that".

    Args:
        texts: the tokens of the sentence before a clause that has a subject of its own.
    """
    end = len(texts) - (texts[-1:] == ["that"])
    if texts[end - 2 : end - 1] in (["i"], ["we"]) and texts[end - 1] in _FACTIVE:
        return end - 2
    for length in range(min(_LONGEST_PRESENTING, end), 1, -1):
        if tuple(texts[end - length : end]) in _PRESENTING:
            return end - length
    return 0 if _is_own_source(texts) else len(texts)


def _is_own_source(texts: Sequence[str]) -> bool:
    """Return whether tokens are the speaker's "as I said before"."""
    begins = texts[:1] == ["as"] and texts[1:2] in (["i"], ["we"]) and len(texts) > 2  # noqa: PLR2004
    return begins and texts[2] in _OWN_REPORTS and not {*texts[3:]} & _SOURCE_LIMITS
