"""Checks that a statement is in the study's language."""

from __future__ import annotations

from functools import cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs, shown
from grounding.text.addressing import sentences, unquoted
from grounding.text.words import words

_NAME: Final = "language_differs"
_SAME: Final = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "hbs": "sr"}
_NEAR: Final = 0.02
_FEWEST: Final = 4


def _language_differs(case: Case) -> CheckFailure | None:
    wanted = _SAME.get(case.study.language, case.study.language)
    statement = case.draft.statement
    for text in dict.fromkeys((statement, *sentences(statement))):
        other = other_language(unquoted(text), wanted)
        if other is not None:
            return differs(
                _NAME,
                case,
                text,
                f"The study's notes are in {shown(wanted)}; this is in {shown(other)}.",
            )
    return None


def other_language(text: str, wanted: str) -> str | None:
    """The language a text is in, if it is surely not the one that is wanted.

    Short texts, texts that may be in either, and languages that are not known pass.

    Args:
        text: a sentence or more.
        wanted: ISO 639 code of the language it ought to be in.

    Returns:
        ISO 639 code of the other language; nothing if it may be the wanted one.
    """
    if len(words(text)) < _FEWEST or wanted not in _identifier().labels:
        return None
    ranked = dict(_identifier().rank(text))
    other = max(ranked, key=lambda one: ranked[one])
    return other if ranked.get(wanted, 0.0) <= _NEAR else None


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


LANGUAGE_DIFFERS = Check(
    _NAME,
    "No sentence of four words or more is surely in another language than the study's notes.",
    _language_differs,
)
