"""Check that what a statement puts in quotation marks was said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.text.words import split_spoken_words

_NAME: Final = "quoted_words_not_said"
_QUOTED: Final = re.compile(r"[\"“]([^\"“”]+)[\"”]")
_MAX_QUOTED: Final = 8


def _quoted_words_not_said(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    said = [word.text for quote in context.quotes for word in split_spoken_words(quote)]
    for quoted in _QUOTED.findall(context.draft.statement):
        words = [word.text for word in split_spoken_words(quoted)]
        if 0 < len(words) <= _MAX_QUOTED and not _contains_run(words, said):
            return build_claim_failure(
                _NAME, context, quoted, f"Nobody says {quote_word(quoted)} in the cited passage."
            )
    return None


def _contains_run(words: Sequence[str], said: Sequence[str]) -> bool:
    """Return whether some words stand in a row in what was said."""
    size = len(words)
    places = range(len(said) - size + 1)
    return any(said[at] == words[0] and said[at : at + size] == words for at in places)


QUOTED_WORDS_NOT_SAID = Check(
    _NAME,
    "What the statement puts in quotation marks stands in the cited passages, word for word.",
    _quoted_words_not_said,
    is_doubt=True,
)
