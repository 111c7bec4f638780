"""Find names with a model: spaCy's named entities, where spaCy and a model are installed.

The models are trained on written news and web text. What they call a name is believed only if its
form allows it: not a word that begins a sentence and is ordinary otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import spacy_models
from personal_data.dates import names_year_or_day
from personal_data.dictionary import is_dictionary_word, is_filler_word
from personal_data.findings import PersonalDataKind, PersonalDataSpan
from personal_data.names import is_interrupted_word
from personal_data.tokens import TextToken
from personal_data.word_lists import COMPANY_WORDS, NO_NAMES, is_demographic_group

_SCORE: Final = 0.7
_BEFORE: Final = 12
_CUES: Final = frozenset({"the", "at", "for", "from", "by", "with", "to"})
_KINDS: Final = {
    "PERSON": PersonalDataKind.PERSON,
    "GPE": PersonalDataKind.GPE,
    "LOC": PersonalDataKind.GPE,
    "FAC": PersonalDataKind.GPE,
    "ORG": PersonalDataKind.ORGANIZATION,
    "NORP": PersonalDataKind.NRP,
    "DATE": PersonalDataKind.DATE_TIME,
    "TIME": PersonalDataKind.DATE_TIME,
}
_UNUSED: Final = ("tagger", "parser", "attribute_ruler", "lemmatizer", "senter")


@cache
def _load_model() -> Any:
    return spacy_models.load_spacy_model(exclude=_UNUSED)


def preload_spacy_model() -> None:
    """Load spaCy's model now, so that the first call is fast."""
    _load_model()


def find_named_entities(text: str, found: Sequence[TextToken]) -> Iterator[PersonalDataSpan]:
    """Find people, places, organisations and groups in a text with a spaCy model."""
    starts = [token.start for token in found]
    for entity in _load_model()(text).ents:
        kind = _KINDS.get(entity.label_)
        words = found[bisect_left(starts, entity.start_char) : bisect_left(starts, entity.end_char)]
        while words and words[0].text.lower() in {"the", "a", "an"}:
            words = words[1:]
        if words and kind is not None and _is_plausible(text, words, kind):
            sure = PersonalDataKind.PERSON if _may_be_a_person(text, words, kind) else kind
            yield PersonalDataSpan(
                words[0].start, min(entity.end_char, words[-1].base_end), sure, _SCORE
            )


def _may_be_a_person(text: str, words: Sequence[TextToken], kind: PersonalDataKind) -> bool:
    """Return whether what the model calls an organisation or a group may well be a person.

    To mask is the safer error.

    The models know few of the world's names, and call a person with a strange one an organisation.
    """
    if kind is PersonalDataKind.NRP:
        return not any(
            is_demographic_group(word.text) or is_dictionary_word(word.base) for word in words
        )
    if kind is not PersonalDataKind.ORGANIZATION:
        return False
    if any(
        word.text in COMPANY_WORDS or word.is_all_capitals or word.text == "&" for word in words
    ):
        return False
    before = text[max(0, words[0].start - _BEFORE) : words[0].start].lower().split()
    return not before or before[-1] not in _CUES


def _is_plausible(text: str, words: Sequence[TextToken], kind: PersonalDataKind) -> bool:
    if kind is PersonalDataKind.DATE_TIME:
        return names_year_or_day(text[words[0].start : words[-1].end])
    return _may_be_name(text, words, kind)


def _may_be_name(text: str, words: Sequence[TextToken], kind: PersonalDataKind) -> bool:
    if is_interrupted_word(text, words):
        return False
    if kind is PersonalDataKind.NRP:
        return any(is_demographic_group(word.text) for word in words) or words[0].is_capital
    return any(
        word.is_word
        and word.is_capital
        and word.base not in NO_NAMES
        and not is_filler_word(word.base)
        and not (word.opens and is_dictionary_word(word.base))
        for word in words
    )
