"""Check that the statement and its evidence have a word in common."""

from __future__ import annotations

from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext, list_label_words
from grounding.checks.content import needs_no_evidence
from grounding.text.terms import split_terms
from grounding.text.words import truncate_text

_NAME: Final = "nothing_in_common"
_MIN_CONTENT_WORDS: Final = 3


def _nothing_in_common(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    speakers = list_label_words(context.labels)
    claimed = [
        term
        for term in split_terms(context.draft.statement)
        if term.is_content and term.text not in speakers and not needs_no_evidence(term.text)
    ]
    said = {
        form
        for quote in context.quotes_with_questions
        for term in split_terms(quote)
        for form in (term.text, term.key)
    }
    if len(claimed) < _MIN_CONTENT_WORDS or any({one.text, one.key} & said for one in claimed):
        return None
    return CheckFailure(
        check=_NAME,
        reason="No word of the statement, in any form, stands in what it cites.",
        claim=truncate_text(context.draft.statement),
        evidence=truncate_text(" … ".join(context.quotes_with_questions)),
    )


NOTHING_IN_COMMON = Check(
    _NAME,
    "A statement of three words with content or more has one of them, in any form, in common with "
    "what it cites.",
    _nothing_in_common,
)
