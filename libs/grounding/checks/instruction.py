"""Checks that a note tells something, and neither gives orders nor carries them out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from contracts.characters import INVISIBLE, strip_hidden_characters
from contracts.notes import CheckFailure
from contracts.transcript import Role
from grounding.checks.code import is_code
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs
from grounding.text.addressing import (
    Address,
    Report,
    address,
    report,
    sentences,
    spoken_sentences,
    unquoted,
)
from grounding.text.terms import terms
from grounding.text.words import clip, listed, words
from grounding.vocabulary.addressing import REPORTING, REQUESTING
from grounding.vocabulary.telling import EVERYDAY, NARRATION, TELLING

_CARRIES: Final = "carries_instruction"
_RESTS: Final = "rests_on_instruction"
_REASONS: Final = {
    Address.ASKS: "The note asks its reader something: tell what was said, or that it was asked.",
    Address.ORDERS: "The note tells its reader to do something: tell what was said, or that it was "
    "asked for.",
    Address.STEERS: "The note speaks to a model or as one: tell what a participant said.",
}
_SOFT_HYPHEN: Final = "\u00ad"
_BELONGS: Final = re.compile(f"[{INVISIBLE}\U000e0020-\U000e007f]")
"""What `strip_hidden_characters` leaves only in place: joiners, selectors, the tags of flags."""
_UNSEEN: Final = {"Cf", "Cc", "Co", "Cn", "Cs"}
_FILLERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_ENGLISH: Final = "en"
_FREE: Final = TELLING | NARRATION | EVERYDAY
_SURE: Final = 2
_FEWEST: Final = 3
_NEAR: Final = 4
_SUBJECTS: Final = listed("i we he she they i'd we'd i'll we'll he'd she'd they'd they'll")
_HELPING: Final = listed(
    """would will can could do did used to get got have had always
    usually often sometimes still just
    also really never"""
)
_ASKED_OF: Final = listed("you your you'd you'll please let let's should must say writes wrote")
"""Words that make what follows something that is asked of somebody."""


def _carries_instruction(case: Case) -> CheckFailure | None:
    hidden = unseen(case.draft.statement)
    if any(_SOFT_HYPHEN in quote for quote in case.quotes):
        hidden = [sign for sign in hidden if sign != _SOFT_HYPHEN]  # the transcript's own
    if hidden:
        return CheckFailure(
            check=_CARRIES,
            reason="The note has signs nobody sees, in which text can be hidden.",
            claim=", ".join(f"U+{ord(sign):04X}" for sign in hidden[:3]),
        )
    for sentence, how in _addressed(case):
        return differs(_CARRIES, case, sentence, _REASONS[how])
    return None


def unseen(text: str) -> list[str]:
    """The signs of a text that nobody sees and that are no part of how its letters are written.

    Joiners of Persian or Sinhala words and of emoji are, in notes of any language: a note may
    repeat what a participant wrote or said.
    """
    shown, hidden = strip_hidden_characters(text)
    return [*hidden, *(sign for sign in shown if _is_unseen(sign))]


def _is_unseen(sign: str) -> bool:
    if sign in "\t\n\r" or (_BELONGS.match(sign) and sign != _SOFT_HYPHEN):
        return False
    return sign in _FILLERS or unicodedata.category(sign) in _UNSEEN


def _addressed(case: Case) -> Iterator[tuple[str, Address]]:
    english = case.study.language == _ENGLISH
    for sentence in sentences(case.draft.statement):
        if report(sentence, case.labels) is not None:
            continue
        how = address(unquoted(sentence), english=english) or address(sentence, english=english)
        if how is Address.ORDERS and _tells_what_people_do(sentence, case):
            continue
        if how is not None:
            yield sentence, how


def _tells_what_people_do(sentence: str, case: Case) -> bool:
    """Whether a sentence is cited word for word, only without its subject.

    "Help build a character" is no order where the passage has "I help build a character". One that
    is asked of somebody is: "they told me to write a poem", "could you write a poem".
    """
    wanted = [word.text for word in words(sentence)]
    if len(wanted) < _FEWEST or not case.is_cited:
        return False
    told = (one for quote in case.quotes for one in spoken_sentences(quote))
    return any(_has_with_a_subject(one, wanted) for one in told)


def _has_with_a_subject(told: str, wanted: Sequence[str]) -> bool:
    if address(told) is not None:
        return False
    spoken = words(told)
    forms = [word.text for word in spoken]
    places = (at for at in range(1, len(forms)) if forms[at : at + len(wanted)] == wanted)
    at = next(places, None)
    if at is None:
        return False
    if (REPORTING | REQUESTING | _ASKED_OF).intersection(forms[:at]):
        return False
    begin = at - 1
    while forms[begin] in _HELPING and begin > max(0, at - _NEAR):
        begin -= 1
    is_one_clause = not any(one.before.strip() for one in spoken[begin + 1 : at + 1])
    return forms[begin] in _SUBJECTS and is_one_clause


def _rests_on_instruction(case: Case) -> CheckFailure | None:
    asked = any(one.segment.role is Role.INTERVIEWER for one in case.citations.found)
    if asked or not case.is_cited:
        return None
    turns = {one.segment.number for one in case.citations.found}
    parts = _parted(case.quotes, len(turns) == 1, case.study.language == _ENGLISH)
    if not parts.orders:
        return None
    for sentence in sentences(case.draft.statement):
        if report(sentence, case.labels) is not Report.WANTED and parts.bear_out(sentence):
            return CheckFailure(
                check=_RESTS,
                reason="The cited words ask or order something: they bear out no more than that it "
                "was asked.",
                claim=clip(sentence),
                evidence=clip(" … ".join(parts.orders)),
            )
    return None


@dataclass(frozen=True)
class _Parts:
    """What is cited, as the sentences that turn to their reader, and the rest."""

    orders: tuple[str, ...]
    told: tuple[str, ...]
    steers: bool

    def bear_out(self, sentence: str) -> bool:
        """Whether it is an order that bears out a sentence best."""
        wanted = _keys([sentence])
        telling = {key for key, text in wanted.items() if text not in _FREE}
        return self._prevail(telling) or (len(telling) < _SURE and self._prevail(wanted.keys()))

    def _prevail(self, keys: AbstractSet[str]) -> bool:
        """Whether an order has more of some words than any two sentences in a row of the rest."""
        by_orders = max((len(keys & one) for one in self._ordered), default=0)
        by_rest = max((len(keys & one) for one in self._said), default=0)
        sure = 1 if self.steers else _SURE
        alone = not self.told and bool(keys)
        return by_orders > by_rest or (by_orders == by_rest and (by_orders >= sure or alone))

    @cached_property
    def _ordered(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(_keys([one])) for one in self.orders)

    @cached_property
    def _said(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(_keys(self.told[at : at + 2])) for at in range(len(self.told)))


@lru_cache(maxsize=256)
def _parted(quotes: tuple[str, ...], is_one_turn: bool, english: bool) -> _Parts:  # noqa: FBT001 - as a cache wants them
    """Part what is cited.

    What people ask and order each other in a conversation is part of what it tells: where several
    turns are cited, questions and orders count only if nothing else is there.
    """
    said = [one for quote in quotes for one in spoken_sentences(quote)]
    found = [
        (one, Address.STEERS if is_code(one) else address(one, english=english)) for one in said
    ]
    weak = is_one_turn or all(how is not None for _, how in found)
    kinds = set(Address) if weak else {Address.STEERS}
    return _Parts(
        orders=tuple(one for one, how in found if how in kinds),
        told=tuple(one for one, how in found if how not in kinds),
        steers=any(how is Address.STEERS for _, how in found),
    )


def _keys(texts: Iterable[str]) -> dict[str, str]:
    """The lemmas of content words, each with a form it has."""
    found = (term for text in texts for term in terms(text))
    return {term.key: term.text for term in found if term.is_content and len(term.text) > 1}


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
