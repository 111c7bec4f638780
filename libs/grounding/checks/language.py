"""Check that a statement is in the study's language."""

from __future__ import annotations

from functools import cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.text.addressing import remove_quotations, split_sentences
from grounding.text.words import split_words

_NAME: Final = "language_differs"
_SAME: Final = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "hbs": "sr"}
# Probability of the wanted language up to which a text surely is in another one.
_MAX_PROBABILITY: Final = 0.02
# Words from which on the identifier can be trusted.
_MIN_WORDS: Final = 4


def _language_differs(context: CheckContext) -> CheckFailure | None:
    wanted = _SAME.get(context.study.language, context.study.language)
    statement = context.draft.statement
    for text in dict.fromkeys((statement, *split_sentences(statement))):
        other = detect_other_language(remove_quotations(text), wanted)
        if other is not None:
            return build_claim_failure(
                _NAME,
                context,
                text,
                f"The study's notes are in {quote_word(wanted)}; this is in {quote_word(other)}.",
            )
    return None


def detect_other_language(text: str, wanted: str) -> str | None:
    """Detect a text's language; None unless it certainly differs from the expected one.

    Short texts, texts that may be in either, and languages that are not known pass.

    Args:
        text: a sentence or more.
        wanted: ISO 639 code of the language it ought to be in.

    Returns:
        ISO 639 code of the other language; nothing if it may be the wanted one.
    """
    if len(split_words(text)) < _MIN_WORDS or wanted not in _load_identifier().labels:
        return None
    ranked = dict(_load_identifier().rank(text))
    other = max(ranked, key=lambda one: ranked[one])
    return other if ranked.get(wanted, 0.0) <= _MAX_PROBABILITY else None


@cache
def _load_identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


LANGUAGE_DIFFERS = Check(
    _NAME,
    "No sentence of four words or more is surely in another language than the study's notes.",
    _language_differs,
)
