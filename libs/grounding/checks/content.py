"""Checks that the evidence is about what the statement is about."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import failure, shown
from grounding.numbers.units import NUMBER_WORDS, UNITS
from grounding.text.sentence_alignment import Laid
from grounding.text.terms import Term, terms
from grounding.vocabulary.scales import QUANTIFIERS
from grounding.vocabulary.telling import EVERYDAY, NARRATION, TELLING

_NAME: Final = "content_not_in_evidence"
_OF_MANY_PASSAGES: Final = 0.3
_OF_ONE_PASSAGE: Final = 0.4
_EVERYDAY: Final = 0.5
_ENOUGH: Final = 2
_FEW: Final = 3


def _content_not_in_evidence(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    found = case.citations.found
    speakers = {term.text for one in found for term in terms(one.segment.speaker)}
    if len(found) > 1:
        return _whole_statement(case, speakers)
    for laid in case.sentences:
        absent = _absent(laid, speakers)
        if absent:
            return _failed(case, laid, absent)
    return None


def _whole_statement(case: Case, speakers: AbstractSet[str]) -> CheckFailure | None:
    """Several passages are retold, not repeated: they bear out a statement as a whole."""
    telling = [(laid, one) for laid in case.sentences for one in _telling(laid, speakers)]
    absent = [(laid, one) for laid, one in telling if not laid.says(one[1])]
    if len(telling) - len(absent) >= _OF_MANY_PASSAGES * len(telling):
        return None
    return _failed(case, absent[0][0], [one for _, one in absent])


def _failed(case: Case, laid: Laid, absent: Sequence[tuple[int, Term]]) -> CheckFailure:
    words = ", ".join(dict.fromkeys(one.text for _, one in absent[:_FEW]))
    reason = f"The cited passage says nothing of {shown(words)}."
    return failure(_NAME, case, laid, absent[0][0], reason)


def _telling(laid: Laid, speakers: AbstractSet[str]) -> list[tuple[int, Term]]:
    return [one for one in _content(laid, speakers) if one[1].text not in EVERYDAY]


def _content(laid: Laid, speakers: AbstractSet[str]) -> list[tuple[int, Term]]:
    return [
        (at, one)
        for at, one in enumerate(laid.sentence)
        if one.is_content and not needs_no_evidence(one.text) and one.text not in speakers
    ]


def _absent(laid: Laid, speakers: AbstractSet[str]) -> list[tuple[int, Term]]:
    """The words that the evidence lacks, if they are too many for it to be about the same."""
    content, telling = _content(laid, speakers), _telling(laid, speakers)
    absent = [one for one in telling if not laid.says(one[1])]
    if len(telling) >= _ENOUGH:
        return absent if len(telling) - len(absent) < _OF_ONE_PASSAGE * len(telling) else []
    together = laid.together([one.key for _, one in content])
    return content if together < _EVERYDAY and not _counts(laid, speakers) else []


def _counts(laid: Laid, speakers: AbstractSet[str]) -> bool:
    """Whether the sentence tells a number: the check of numbers has compared what it is about.

    The number in a label ("Speaker 2") is told of nothing.
    """
    return any(
        (one.text[0].isdigit() or one.text in NUMBER_WORDS) and one.text not in speakers
        for one in laid.sentence
    )


def needs_no_evidence(text: str) -> bool:
    """Whether a word needs no evidence here: it tells, or it is another check's business."""
    is_number = text[0].isdigit() or text in NUMBER_WORDS or text in UNITS or text == "per"
    return is_number or text in TELLING or text in NARRATION or text in QUANTIFIERS


CONTENT_NOT_IN_EVIDENCE = Check(
    _NAME,
    "Two fifths of a sentence's telling words stand in the one passage it cites; of a statement's "
    "on several passages, three tenths; everyday words stand together there.",
    _content_not_in_evidence,
)
