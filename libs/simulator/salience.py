"""Salience of a sentence: how much it says by itself, whatever it is about."""

from __future__ import annotations

import re

from simulator.wording import is_negation_word, is_number_word, parse_word_set, split_words

_MIN_WORDS = 6
_COMFORTABLE_WORDS = 10
_MAX_WORDS = 45

_FIRST_PERSON = parse_word_set(
    """i i'm i've i'd i'll my me we we're we've we'd we'll our us myself"""
)
_COMPARATIVE = parse_word_set(
    """more less fewer better worse most least best worst than rather instead never always every
    only twice used ever enough too"""
)
_REASON = parse_word_set("""because since therefore until unless although except otherwise""")
_FEELING = parse_word_set(
    """hate hated love loved afraid worried scared frustrated frustrating annoyed annoying angry
    proud happy glad surprised surprising trust believe wish hope felt feel miss missed regret
    prefer want wanted need needed decided realised realized stopped started changed"""
)
_DANGLING = parse_word_set(
    """it it's it'd they they're that that's this those these he he's she she's which who them
    him her there there's then or than etc"""
)
_NO_SUBJECT = parse_word_set("""is was are were do did does if to of for with as in on at like""")
_UNHEARD = re.compile(
    r"\[[^\[\]]*\]|\((?:beep|censored|inaudible|unintelligible|redacted)[^)]*\)|<[^<>]*>",
    re.IGNORECASE,
)
_TRAILING_OFF = re.compile(r"(?:-|\u2013|—|\.{2,}|…|,)[\"”\u2019')\]]*$")
_TAG = re.compile(
    r"\b(?:you know what i mean|you know what i'm saying|stuff like that|or whatever)\b",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\w[-\u2013—]+,?\s|\.{3}|…")
_QUOTING = tuple('"“\u2018')  # somebody else's words, retold
_STATED = re.compile(r"[.!][\"”\u2019')\]]*$")


def score_salience(sentence: str) -> float:
    """Score how noteworthy a sentence is, from about -4 to 3, by its form.

    Numbers, the first person, negations, comparisons, reasons and feelings speak for it; a
    question, a fragment, a dangling pronoun, gaps in the recording, and being very short or very
    long against it.

    Returns:
        About -4 (a backchannel) to 3 (worth a note); 0 is an unremarkable sentence.
    """
    spoken = split_words(sentence)
    return _merits(spoken) - _length_faults(len(spoken)) - _form_faults(sentence, spoken)


def _merits(spoken: list[str]) -> float:
    words = set(spoken)
    return (
        0.7 * any(is_number_word(word) and word != "one" for word in spoken)
        + 0.6 * bool(words & _FIRST_PERSON)
        + 0.4 * any(map(is_negation_word, spoken))
        + 0.4 * bool(words & _COMPARATIVE)
        + 0.4 * bool(words & _REASON)
        + 0.5 * bool(words & _FEELING)
    )


def _length_faults(count: int) -> float:
    if count < _MIN_WORDS:
        return 3.0
    if count > _MAX_WORDS:
        return 2.0
    return 0.5 * (count < _COMFORTABLE_WORDS)


def _form_faults(sentence: str, spoken: list[str]) -> float:
    opening = [
        word for word in spoken if word not in {"and", "but", "so", "well", "yeah", "um", "uh"}
    ]
    first = opening[0] if opening else ""
    return (
        2.5 * bool(sentence.rstrip("\"”\u2019')]").endswith("?"))
        + 1.5 * bool(_TRAILING_OFF.search(sentence))
        + 0.5 * (not _STATED.search(sentence))
        + 0.8 * sentence[:1].islower()
        + 0.7 * (first in _DANGLING)
        + 0.4 * (first in _NO_SUBJECT)
        + 1.5 * len(_UNHEARD.findall(sentence))
        + 0.5 * bool(_TAG.search(sentence))
        + 1.0 * (sentence[:1] in _QUOTING)
        + 0.5 * len(_BREAK.findall(sentence))
        + 1.0 * (len(set(spoken)) < 0.6 * len(spoken))
    )
