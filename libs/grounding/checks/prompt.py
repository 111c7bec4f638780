"""Check that a statement repeats nothing of the model's own instructions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import prompts
from contracts.notes import CheckFailure, DraftEvidence, DraftNote
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.text.words import FUNCTION_WORDS, split_words

_NAME: Final = "carries_prompt"
# Words in a row that nobody shares with the instructions by chance; examples are about interviews
# themselves, so more of their words may coincide with what was said.
_INSTRUCTION_RUN: Final = 5
_EXAMPLE_RUN: Final = 7
_MIN_CONTENT_WORDS: Final = 2
_KEYS: Final = sorted({*DraftNote.model_fields, *DraftEvidence.model_fields, "notes", "segments"})
_FIELD: Final = re.compile(
    rf"\b(?:{'|'.join(key for key in _KEYS if '_' in key)})\b|[\"'`](?:{'|'.join(_KEYS)})[\"'`]"
)


def _carries_prompt(context: CheckContext) -> CheckFailure | None:
    statement = context.draft.statement
    field = _FIELD.search(statement)
    repeated = field.group() if field else _find_repeated_phrase(context)
    if repeated is None:
        return None
    return build_claim_failure(
        _NAME,
        context,
        statement,
        f"The note repeats its instructions or their examples: {quote_word(repeated)}.",
    )


def _find_repeated_phrase(context: CheckContext) -> str | None:
    """Return a phrase of the prompt in a statement, unless an example happens to match the talk."""
    statement = context.draft.statement
    instruction = next(
        (
            one
            for one in _iter_phrases(statement, _INSTRUCTION_RUN)
            if one in _list_instruction_phrases()
        ),
        None,
    )
    if instruction is not None:
        return instruction
    shown_too = next(
        (one for one in _iter_phrases(statement, _EXAMPLE_RUN) if one in _list_example_phrases()),
        None,
    )
    if shown_too is None or (
        context.is_cited and all(alignment.is_close for alignment in context.sentences)
    ):
        return None
    return shown_too


@cache
def _list_instruction_phrases() -> frozenset[str]:
    return _collect_phrases(prompts.load_note_instructions(), _INSTRUCTION_RUN)


@cache
def _list_example_phrases() -> frozenset[str]:
    return _collect_phrases(prompts.load_note_example_texts(), _EXAMPLE_RUN)


def _collect_phrases(texts: Iterable[str], size: int) -> frozenset[str]:
    return frozenset(phrase for text in texts for phrase in _iter_phrases(text, size))


def _iter_phrases(text: str, size: int) -> Iterator[str]:
    """Yield all runs of ``size`` words of which at least two carry content."""
    forms = [word.text for word in split_words(text)]
    for at in range(len(forms) - size + 1):
        run = forms[at : at + size]
        if sum(one not in FUNCTION_WORDS for one in run) >= _MIN_CONTENT_WORDS:
            yield " ".join(run)


CARRIES_PROMPT = Check(
    _NAME,
    "The statement shares no five words in a row with the model's instructions, no seven with "
    "their examples unless they were said, and names none of the answer's fields.",
    _carries_prompt,
)
