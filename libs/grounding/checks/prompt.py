"""Checks that a statement repeats nothing of what the model was told to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import prompts
from contracts.notes import CheckFailure, DraftEvidence, DraftNote
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs, shown
from grounding.text.words import FUNCTION_WORDS, words

_NAME: Final = "carries_prompt"
_TOLD: Final = 5
_SHOWN: Final = 7
_CONTENT: Final = 2
_KEYS: Final = sorted({*DraftNote.model_fields, *DraftEvidence.model_fields, "notes", "segments"})
_FIELD: Final = re.compile(
    rf"\b(?:{'|'.join(key for key in _KEYS if '_' in key)})\b|[\"'`](?:{'|'.join(_KEYS)})[\"'`]"
)


def _carries_prompt(case: Case) -> CheckFailure | None:
    statement = case.draft.statement
    field = _FIELD.search(statement)
    repeated = field.group() if field else _repeated(case)
    if repeated is None:
        return None
    return differs(
        _NAME,
        case,
        statement,
        f"The note repeats its instructions or their examples: {shown(repeated)}.",
    )


def _repeated(case: Case) -> str | None:
    """The prompt's words in a statement; examples may happen to say what was said here."""
    statement = case.draft.statement
    told = next((one for one in _phrases(statement, _TOLD) if one in _told()), None)
    if told is not None:
        return told
    shown_too = next((one for one in _phrases(statement, _SHOWN) if one in _shown()), None)
    if shown_too is None or (case.is_cited and all(laid.is_close for laid in case.sentences)):
        return None
    return shown_too


@cache
def _told() -> frozenset[str]:
    return _all_phrases(prompts.instructions(), _TOLD)


@cache
def _shown() -> frozenset[str]:
    return _all_phrases(prompts.examples(), _SHOWN)


def _all_phrases(texts: Iterable[str], size: int) -> frozenset[str]:
    return frozenset(phrase for text in texts for phrase in _phrases(text, size))


def _phrases(text: str, size: int) -> Iterator[str]:
    """All runs of so many words that say something by at least two of them."""
    forms = [word.text for word in words(text)]
    for at in range(len(forms) - size + 1):
        run = forms[at : at + size]
        if sum(one not in FUNCTION_WORDS for one in run) >= _CONTENT:
            yield " ".join(run)


CARRIES_PROMPT = Check(
    _NAME,
    "The statement shares no five words in a row with the model's instructions, no seven with "
    "their examples unless they were said, and names none of the answer's fields.",
    _carries_prompt,
)
