"""Check that a note states something, and neither gives instructions nor follows them."""

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
from grounding.checks.base import Check, CheckContext
from grounding.checks.code import contains_code
from grounding.checks.failures import build_claim_failure
from grounding.text.addressing import (
    AddressingType,
    ReportedSpeechType,
    classify_addressing,
    classify_reported_speech,
    remove_quotations,
    split_sentences,
    split_spoken_sentences,
)
from grounding.text.terms import split_terms
from grounding.text.words import parse_word_list, split_words, truncate_text
from grounding.vocabulary.addressing import REPORTING, REQUESTING
from grounding.vocabulary.reporting import EVERYDAY_WORDS, NARRATION_NOUNS, REPORTING_VERBS

_CARRIES: Final = "carries_instruction"
_RESTS: Final = "rests_on_instruction"
_REASONS: Final = {
    AddressingType.ASKS: (
        "The note asks its reader something: state what was said, or that it was asked."
    ),
    AddressingType.ORDERS: (
        "The note gives its reader an order: state what was said, or that it was asked for."
    ),
    AddressingType.STEERS: ("The note speaks to a model or as one: state what a participant said."),
}
_SOFT_HYPHEN: Final = "\u00ad"
_BELONGS: Final = re.compile(f"[{INVISIBLE}\U000e0020-\U000e007f]")
"""What `strip_hidden_characters` leaves only in place: joiners, selectors, the tags of flags."""
_UNSEEN: Final = {"Cf", "Cc", "Co", "Cn", "Cs"}
_FILLERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_ENGLISH: Final = "en"
_FREE: Final = REPORTING_VERBS | NARRATION_NOUNS | EVERYDAY_WORDS
# Content words by which an instruction surely is what supports a sentence.
_SURE: Final = 2
# Share of a sentence's words below which an instruction is only one of the things it sums up.
_LEAST_SHARE: Final = 0.25
# Words of a sentence from which on it may be a quote without its subject.
_MIN_QUOTED_WORDS: Final = 3
# Words before a verb among which its subject stands: "I would always get to …".
_NEAR: Final = 4
_SUBJECTS: Final = parse_word_list("i we he she they i'd we'd i'll we'll he'd she'd they'd they'll")
_HELPING: Final = parse_word_list(
    """would will can could do did used to get got have had always
    usually often sometimes still just
    also really never"""
)
_ADVISING: Final = parse_word_list("advises advising counsels counselling urges urging warns")
"""Verbs that tell of what somebody is told to do."""
_REQUEST_WORDS: Final = parse_word_list(
    "you your you'd you'll please let let's should must say writes wrote"
)
"""Words that make what follows something that is asked of somebody."""


def _carries_instruction(context: CheckContext) -> CheckFailure | None:
    hidden = list_invisible_characters(context.draft.statement)
    if any(_SOFT_HYPHEN in quote for quote in context.quotes):
        hidden = [sign for sign in hidden if sign != _SOFT_HYPHEN]  # the transcript's own
    if hidden:
        return CheckFailure(
            check=_CARRIES,
            reason="The note has signs nobody sees, in which text can be hidden.",
            claim=", ".join(f"U+{ord(sign):04X}" for sign in hidden[:3]),
        )
    for sentence, how in _find_addressing_sentences(context):
        return build_claim_failure(_CARRIES, context, sentence, _REASONS[how])
    return None


def list_invisible_characters(text: str) -> list[str]:
    """Return the invisible characters in a text, except those its writing system needs.

    Joiners of Persian or Sinhala words and of emoji are, in notes of any language: a note may
    repeat what a participant wrote or said.
    """
    shown, hidden = strip_hidden_characters(text)
    return [*hidden, *(sign for sign in shown if _is_invisible(sign))]


def _is_invisible(sign: str) -> bool:
    if sign in "\t\n\r" or (_BELONGS.match(sign) and sign != _SOFT_HYPHEN):
        return False
    return sign in _FILLERS or unicodedata.category(sign) in _UNSEEN


def _find_addressing_sentences(context: CheckContext) -> Iterator[tuple[str, AddressingType]]:
    english = context.study.language == _ENGLISH
    for sentence in split_sentences(context.draft.statement):
        if classify_reported_speech(sentence, context.labels) is not None:
            continue
        how = classify_addressing(
            remove_quotations(sentence), english=english
        ) or classify_addressing(sentence, english=english)
        if how is AddressingType.ORDERS and _is_quoted_without_subject(sentence, context):
            continue
        if how is not None:
            yield sentence, how


def _is_quoted_without_subject(sentence: str, context: CheckContext) -> bool:
    """Return whether a sentence is quoted word for word, only without its subject.

    "Help build a character" is no order where the passage has "I help build a character". One that
    is asked of somebody is: "they told me to write a poem", "could you write a poem".
    """
    wanted = [word.text for word in split_words(sentence)]
    if len(wanted) < _MIN_QUOTED_WORDS or not context.is_cited:
        return False
    in_evidence = (one for quote in context.quotes for one in split_spoken_sentences(quote))
    return any(_contains_with_subject(one, wanted) for one in in_evidence)


def _contains_with_subject(in_evidence: str, wanted: Sequence[str]) -> bool:
    if classify_addressing(in_evidence) is not None:
        return False
    spoken = split_words(in_evidence)
    forms = [word.text for word in spoken]
    places = (at for at in range(1, len(forms)) if forms[at : at + len(wanted)] == wanted)
    at = next(places, None)
    if at is None:
        return False
    if (REPORTING | REQUESTING | _REQUEST_WORDS).intersection(forms[:at]):
        return False
    begin = at - 1
    while forms[begin] in _HELPING and begin > max(0, at - _NEAR):
        begin -= 1
    is_one_clause = not any(one.before.strip() for one in spoken[begin + 1 : at + 1])
    return forms[begin] in _SUBJECTS and is_one_clause


def _rests_on_instruction(context: CheckContext) -> CheckFailure | None:
    asked = any(one.segment.role is Role.INTERVIEWER for one in context.citations.found)
    if asked or not context.is_cited:
        return None
    turns = {one.segment.number for one in context.citations.found}
    parts = _split_evidence(context.quotes, len(turns) == 1, context.study.language == _ENGLISH)
    if not parts.orders:
        return None
    for sentence in split_sentences(context.draft.statement):
        if not parts.steers and _ADVISING & {one.text for one in split_words(sentence)}:
            continue  # "a leaflet that advises women to call the police"
        if classify_reported_speech(
            sentence, context.labels
        ) is not ReportedSpeechType.WANTED and parts.rest_on_instruction(sentence):
            return CheckFailure(
                check=_RESTS,
                reason="The cited words ask or order something: they support no more than that it "
                "was asked.",
                claim=truncate_text(sentence),
                evidence=truncate_text(" … ".join(parts.orders)),
            )
    return None


@dataclass(frozen=True)
class _EvidenceParts:
    """The cited sentences that address their reader, and the others."""

    orders: tuple[str, ...]
    statements: tuple[str, ...]
    steers: bool

    def rest_on_instruction(self, sentence: str) -> bool:
        """Whether an instruction supports a sentence better than the other cited words do."""
        wanted = _collect_lemmas([sentence])
        content_keys = {key for key, text in wanted.items() if text not in _FREE}
        return self._instructions_prevail(content_keys) or (
            len(content_keys) < _SURE and self._instructions_prevail(wanted.keys())
        )

    def _instructions_prevail(self, keys: AbstractSet[str]) -> bool:
        """Whether an instruction has more of some words than any two other sentences in a row."""
        by_orders = max((len(keys & one) for one in self._instruction_lemmas), default=0)
        by_rest = max((len(keys & one) for one in self._statement_lemmas), default=0)
        sure = 1 if self.steers else _SURE
        alone = not self.statements and bool(keys)
        if not alone and by_orders < _LEAST_SHARE * len(keys):
            return False  # a summary of much more than the instruction
        return by_orders > by_rest or (by_orders == by_rest and (by_orders >= sure or alone))

    @cached_property
    def _instruction_lemmas(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(_collect_lemmas([one])) for one in self.orders)

    @cached_property
    def _statement_lemmas(self) -> tuple[frozenset[str], ...]:
        return tuple(
            frozenset(_collect_lemmas(self.statements[at : at + 2]))
            for at in range(len(self.statements))
        )


@lru_cache(maxsize=256)
def _split_evidence(quotes: tuple[str, ...], is_one_turn: bool, english: bool) -> _EvidenceParts:  # noqa: FBT001 - as a cache wants them
    """Split the cited sentences into those that address their reader, and the others.

    What people ask and order each other in a conversation is part of its content: where several
    turns are cited, questions and orders count only if nothing else is there.
    """
    said = [one for quote in quotes for one in split_spoken_sentences(quote)]
    found = [
        (
            one,
            AddressingType.STEERS
            if contains_code(one)
            else classify_addressing(one, english=english),
        )
        for one in said
    ]
    weak = is_one_turn or all(how is not None for _, how in found)
    kinds = set(AddressingType) if weak else {AddressingType.STEERS}
    return _EvidenceParts(
        orders=tuple(one for one, how in found if how in kinds),
        statements=tuple(one for one, how in found if how not in kinds),
        steers=any(how is AddressingType.STEERS for _, how in found),
    )


def _collect_lemmas(texts: Iterable[str]) -> dict[str, str]:
    """Return the lemmas of content words, each with one of its forms."""
    found = (term for text in texts for term in split_terms(text))
    return {
        term.key: term.text
        for term in found
        if term.is_content and (len(term.text) > 1 or term.text.isdigit())
    }


CARRIES_INSTRUCTION = Check(
    _CARRIES,
    "The statement states something: it asks, orders and hides nothing, and speaks to no model; "
    "what was asked or ordered in the interview is reported as said.",
    _carries_instruction,
)
RESTS_ON_INSTRUCTION = Check(
    _RESTS,
    "Cited words that ask or order something support only a report of it.",
    _rests_on_instruction,
)
