"""Checks that a note tells something, and neither gives orders nor carries them out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from contracts.notes import CheckFailure
from contracts.transcript import Role
from grounding.addressing import (
    Address,
    Report,
    address,
    report,
    sentences,
    spoken_sentences,
    unquoted,
)
from grounding.checks.frame import Case, Check
from grounding.terms import terms
from grounding.vocabulary.telling import EVERYDAY, NARRATION, TELLING
from grounding.words import clip

_CARRIES: Final = "carries_instruction"
_RESTS: Final = "rests_on_instruction"
_REASONS: Final = {
    Address.ASKS: "The note asks its reader something: tell what was said, or that it was asked.",
    Address.ORDERS: "The note tells its reader to do something: tell what was said, or that it was "
    "asked for.",
    Address.STEERS: "The note speaks to a model or as one: tell what a participant said.",
}
_JOINERS: Final = "\u200c\u200d"
_UNSEEN: Final = {"Cf", "Cc", "Co", "Cn", "Cs"}
_FILLERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_SELECTORS: Final = (("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))
_ENGLISH: Final = "en"


def _carries_instruction(case: Case) -> CheckFailure | None:
    hidden = unseen(case.draft.statement, case.study.language)
    if hidden:
        return CheckFailure(
            check=_CARRIES,
            reason="The note has signs nobody sees, in which text can be hidden.",
            claim=", ".join(f"U+{ord(sign):04X}" for sign in hidden[:3]),
        )
    for sentence, how in _addressed(case):
        return CheckFailure(
            check=_CARRIES,
            reason=_REASONS[how],
            claim=clip(sentence),
            evidence=clip(" … ".join(case.quotes)),
        )
    return None


def unseen(text: str, language: str) -> list[str]:
    """The signs of a text that nobody sees; joiners count where no script of a language needs them.

    Args:
        text: any text.
        language: an ISO 639 code.
    """
    return [
        sign for sign in text if _is_unseen(sign) and (language == _ENGLISH or sign not in _JOINERS)
    ]


def _is_unseen(sign: str) -> bool:
    if sign in "\t\n\r":
        return False
    selects = any(first <= sign <= last for first, last in _SELECTORS)
    return selects or sign in _FILLERS or unicodedata.category(sign) in _UNSEEN


def _addressed(case: Case) -> Iterator[tuple[str, Address]]:
    english = case.study.language == _ENGLISH
    for sentence in sentences(case.draft.statement):
        if report(sentence, case.labels) is not None:
            continue
        how = address(unquoted(sentence), english=english) or address(sentence, english=english)
        if how is not None:
            yield sentence, how


def _rests_on_instruction(case: Case) -> CheckFailure | None:
    asked = any(one.segment.role is Role.INTERVIEWER for one in case.citations.found)
    if asked or not case.is_cited:
        return None
    orders, told = _parted(case)
    if not orders:
        return None
    ordered, said = _keys(orders), _keys(told)
    for sentence in sentences(case.draft.statement):
        if report(sentence, case.labels) is Report.WANTED:
            continue
        wanted = _keys([sentence])
        if len(wanted & (ordered - said)) > len(wanted & said) or (not told and not wanted & said):
            return CheckFailure(
                check=_RESTS,
                reason="The cited words ask or order something: they bear out no more than that it "
                "was asked.",
                claim=clip(sentence),
                evidence=clip(" … ".join(orders)),
            )
    return None


def _parted(case: Case) -> tuple[list[str], list[str]]:
    """What is cited, as the sentences that turn to their reader, and the rest.

    What people ask and order each other in a conversation is part of what it tells: where several
    turns are cited, questions and orders count only if nothing else is there.
    """
    english = case.study.language == _ENGLISH
    found = [
        (one, address(one, english=english))
        for quote in case.quotes
        for one in spoken_sentences(quote)
    ]
    turns = {one.segment.number for one in case.citations.found}
    weak = len(turns) == 1 or all(how is not None for _, how in found)
    kinds = set(Address) if weak else {Address.STEERS}
    orders = [one for one, how in found if how in kinds]
    return orders, [one for one, how in found if how not in kinds]


def _keys(texts: list[str]) -> set[str]:
    """The lemmas of content words."""
    found = (term for text in texts for term in terms(text))
    free = TELLING | NARRATION | EVERYDAY
    return {
        term.key
        for term in found
        if term.is_content and len(term.text) > 1 and term.text not in free
    }


CARRIES_INSTRUCTION = Check(
    _CARRIES,
    "The statement tells something: it asks, orders and hides nothing, and speaks to no model; "
    "what was asked or ordered in the interview is told as said.",
    _carries_instruction,
)
RESTS_ON_INSTRUCTION = Check(
    _RESTS,
    "Cited words that ask or order something bear out only a report of it.",
    _rests_on_instruction,
)
