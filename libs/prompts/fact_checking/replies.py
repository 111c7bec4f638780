"""Strict parsers of fact-checking models' replies: a clear word, or no answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from prompts.fact_checking.claims import (
    UNANSWERED,
    FactCheckRuling,
    FactCheckVerdict,
    RawFactCheckReply,
    TokenProbabilities,
)

_WORD: Final = re.compile(r"\W*(yes|no)\W*", re.IGNORECASE)
_CONFIDENCE: Final = re.compile(r"<confidence>\s*\w+\s*</confidence>", re.IGNORECASE)
_THOUGHTS: Final = re.compile(r"\A(?:\s*<think>)?.*</think>", re.DOTALL | re.IGNORECASE)
"""Thoughts before the answer; some templates open the tag in the prompt."""
_SCORE: Final = re.compile(r"\s*<score>\s*(yes|no)\s*</score>\s*", re.IGNORECASE)


def parse_yes_no(reply: RawFactCheckReply, *, yes_supports: bool) -> FactCheckRuling:
    """Parse a fact-checking model's reply ``yes`` or ``no``, in upper or lower case.

    Thoughts before it and a confidence behind it do not count.

    Args:
        reply: what the model answered.
        yes_supports: whether ``yes`` means that the claim is supported, or that it is not.
    """
    answer = _CONFIDENCE.sub("", remove_reasoning(reply.text))
    return _rule(_WORD.fullmatch(answer), reply, yes_supports=yes_supports)


def parse_score_tag(reply: RawFactCheckReply, *, yes_supports: bool) -> FactCheckRuling:
    """Parse a fact-checking model's reply of the form ``<score> yes </score>``.

    Args:
        reply: what the model answered.
        yes_supports: whether ``yes`` means that the claim is supported, or that it is not.
    """
    return _rule(_SCORE.fullmatch(remove_reasoning(reply.text)), reply, yes_supports=yes_supports)


def remove_reasoning(text: str) -> str:
    """Remove the reasoning, which ends with ``</think>``, from a model's reply."""
    return _THOUGHTS.sub("", text, count=1)


def _rule(
    word: re.Match[str] | None, reply: RawFactCheckReply, *, yes_supports: bool
) -> FactCheckRuling:
    if word is None:
        return UNANSWERED
    is_yes = word[1].casefold() == "yes"
    supports = is_yes is yes_supports
    probability = compute_yes_probability(reply.tokens)
    if probability is not None and not yes_supports:
        probability = 1 - probability
    verdict = FactCheckVerdict.SUPPORTED if supports else FactCheckVerdict.NOT_SUPPORTED
    return FactCheckRuling(verdict, probability)


def compute_yes_probability(tokens: Sequence[TokenProbabilities]) -> float | None:
    """Compute the probability of ``yes``, relative to ``no``, from token probabilities.

    Args:
        tokens: the answer's, in order. The last of these words counts, as thoughts come first.

    Returns:
        From 0 to 1; None if no token is one of the two words.
    """
    for one in reversed(tokens):
        if _normalize_token(one.chosen) in {"yes", "no"}:
            yes, no = (_sum_probability(one, word) for word in ("yes", "no"))
            return yes / (yes + no) if yes + no else None
    return None


def _sum_probability(token: TokenProbabilities, word: str) -> float:
    return sum(share for text, share in token.by_token.items() if _normalize_token(text) == word)


def _normalize_token(text: str) -> str:
    return text.strip(" \n\t▁Ġ.\"'").casefold()
