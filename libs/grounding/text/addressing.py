"""Classify sentences that address their reader: questions, orders, and prompts that steer a model.

An order is known by its grammar: a verb in its base form where the subject ought to stand. Which
words are verbs, and which are nouns besides, is looked up in the lexicon of ``lemminflect`` (from
the NIH's SPECIALIST lexicon). English only; what steers a model is found in any language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

from grounding.numbers.units import NUMBER_WORDS, UNITS
from grounding.text.lexicon import (
    get_past_only_forms,
    get_word_classes,
    is_only_verb,
    may_be_base_verb,
)
from grounding.text.words import FUNCTION_WORDS, Word, split_words
from grounding.vocabulary.addressing import (
    ASKING,
    BETWEEN,
    ELLIPTIC,
    ELLIPTIC_ORDERS,
    FINITE,
    GIVEN_NAMES,
    INVERTED,
    MACHINERY,
    OBJECTS,
    OPENERS,
    PERSONS,
    PLAIN_OBJECTS,
    POSSESSORS,
    RARELY,
    REPORTING,
    REQUESTING,
    SUBORDINATING,
)
from grounding.vocabulary.scales import QUANTIFIERS


class AddressingType(StrEnum):
    """Way in which a sentence addresses the reader: a question, an order or advice."""

    ASKS = "asks"
    ORDERS = "orders"
    STEERS = "steers"


_SENTENCE: Final = re.compile(
    r"(?<=[.!?…])\s+|(?<=[.!?…])[\"'\u201d\u2019)\]*_]+\s+(?![a-z])|(?<!\s)\s*[\r\n]+\s*"
)
_QUOTED: Final = re.compile(
    r"[\"\u201c\u201e][^\"\u201c\u201d\u201e]*[\"\u201d]|(?<!\w)['\u2018][^'\u2018\u2019]{3,}['\u2019](?!\w)"
)
_DECORATION: Final = re.compile(
    r"^(?:\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|</?[A-Za-z]{2,20}>)|^[\s\"'\u201c\u201d\u2018\u2019`*_#>\-\u2013\u2014•·~()\[\]!.,;:]+|^\d+[.)]\s+"
)
_LABEL: Final = re.compile(r"^[^\s:][^:.!?]{0,40}?[*_]*\s*:[*_]*\s+(?=\S)")
_CAPITAL: Final = re.compile(r"(?<![:\"'(\u201c\u2018]\s)(?<=\s)[A-Z][a-z]+\b")
_BY_THE_WAY: Final = re.compile(
    r"[\w'\u2019-]++(?: [\w'\u2019-]++){0,5}+ ?(?=,\s+(?:i|we|he|she|it|they|there|the"
    r"|this|that|my|our|his|her|their|an?|nobody|everybody|people)(?:['\u2019]\w+)?\s)",
    re.IGNORECASE,
)
_SHORT_IS: Final = re.compile(r"^(who|what|how|where|when|why)'s$")
_CLAUSE: Final = re.compile(r"[,;:\u2013\u2014]\s+")
_FRONTED: Final = re.compile(
    r"^(?:if|when|before|after|while|once|in|at|for|to|from|on|with|as|by|instead|rather)\b",
    re.IGNORECASE,
)
_ANSWER: Final = (
    r"(?:responses?|answers?|repl(?:y|ies)|outputs?|completions?|summar(?:y|ies)|messages?"
    r"|generated text|notes?|instructions?|prompts?|guidelines|training|system|developers?)"
)
_STEERING: Final = re.compile(
    rf"\byour\s+(?:\w+\s+){{0,2}}{_ANSWER}\b"
    # Who "ignored the rules" or "ignores the instructions" is told of, and not told to.
    r"|(?<!\bthey )(?<!\bwe )(?<!\bi )(?<!\bwho )(?<!\bpeople )"
    r"\b(?:ignor|disregard|forgett?|overrid|bypass|discard|skipp?)(?:e|ing)?\b\W+(?:\w+\W+){0,4}"
    r"(?:instructions?|prompts?|context|above|previous|prior)\b"
    r"|(?:^\W*|[.:;,!?]\W+|\b(?:please|kindly|must|should|then|now|you|to) )"
    r"(?:ignore|disregard|forget|override|bypass|discard|skip)\W+(?:\w+\W+){0,4}"
    r"(?:rules|guidelines|directions)\b"
    r"|\byou (?:are|will be) (?:now |no longer |going to act as |an? )*"
    r"(?:(?:\w+ ){0,2}(?:assistant|ai|model|chatbot|bot|dan|translator|interpreter|terminal"
    r"|mode))\b"
    r"|\byou (?:must|should|will|shall) (?:now|only|always|immediately|henceforth)\b"
    r"|^\W*(?:\w+: )?you (?:must|will|shall) (?:\w+ly |never |not )?(?:answer|respond|reply|write"
    r"|output|translate|summari[sz]e|act|speak|pretend|include|mention|print|generate|produce|ignore|praise"
    r"|say)\b"
    r"|^\W*(?:\w+: )?your (?:new |only |next |real |first )?(?:job|task|role|goal|mission|purpose"
    r"|objective) (?:is|will be|now)\b"
    r"|\bI(?:'d| would)? (?:want|need|like|ask|order|command|require) you to (?:act|be an?|write"
    r"|respond|answer|reply|pretend|translate|ignore|forget|print|output|play|take on|give me"
    r"|tell me|generate|say|behave|roleplay|summari[sz]e|only|always)\b"
    r"|\blet's (?:play a|pretend|role|imagine|switch|do a)"
    r"|\b(?:the|this|each|every|all|any) (?:\w+ )?(?:notes?|answers?|responses?|repl(?:y|ies)"
    r"|outputs?|summar(?:y|ies)|statements?) (?:\w+ly )?(?:must|should|shall|has to|have to"
    r"|ought to)\b"
    r"|\bfrom now on,? (?:you|respond|answer|reply|write|act|only)\b"
    r"|\b(?:as|i am|i'm) an? (?:ai|artificial intelligence|large language|language)\s?"
    r"(?:language |assistant|model|chatbot)"
    r"|\b(?:system|developer|initial|hidden) prompt\b"
    r"|<\|[^|>]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|(?<!#)#{2,}\s*\w+",
    re.IGNORECASE,
)
_MARKER: Final = re.compile(
    r"^(?:system|assistant|user|human|ai|developer|instructions?|tasks?|prompt|response|command)"
    r"[*_]*\s*(?:\([^)]*\)|message|note|update|override|prompt)?\s*[*_]*:",
    re.IGNORECASE,
)
_MIDDLE: Final = re.compile(
    r"\b(?:please|kindly) (?:\w+ly )?(\w+)|\b(?:can|could|would|will) you (?:please )?"
    # At its end a sentence only wonders: "it cost two million, can you believe it".
    r"(?!(?:believe|imagine)(?: (?:it|that))?\W*$)(\w+)",
    re.IGNORECASE,
)
_TO: Final = re.compile(r"\bto\b")
_REPORTS: Final = REPORTING | REQUESTING
_CLOSED: Final[frozenset[str]] = frozenset().union(
    FUNCTION_WORDS, QUANTIFIERS, NUMBER_WORDS, UNITS, OBJECTS, FINITE
)
_FURTHEST: Final = 9
_FAR: Final = 200
_YOURS: Final = frozenset({"me", "us", "your", "yourself"})
_LONGEST: Final = 4
_ENDINGS: Final = frozenset({"s", "t", "d", "m", "re", "ve", "ll", "am", "all", "em"})
_NAME: Final = 2
_FEWEST: Final = 2
_LONGEST_REPORT: Final = 6
_HEARERS: Final = frozenset({"me", "us", "him", "her", "them", "people", "everyone", "everybody"})
_TAG: Final = 3


def normalize_text(text: str) -> str:
    """Normalize a text to Unicode NFKC, so that ligatures and full-width letters become plain."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=1024)
def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences, including their punctuation."""
    return tuple(part for part in _SENTENCE.split(normalize_text(text)) if part.strip())


@lru_cache(maxsize=256)
def split_spoken_sentences(text: str) -> tuple[str, ...]:
    """Split spoken text into sentences, also where the speaker breaks off and starts anew.

    An order or a question that begins with a capital is one of its own, even if the words before
    it came to no end, as they often do in transcripts. So is a short order by the way, behind which
    a subject follows: "Don't get me wrong, I like it", "Take my neighbour, she waited".
    """
    return tuple(
        one
        for part in split_sentences(text)
        for whole in _split_at_addresses(part)
        for one in _split_short_order(whole)
    )


def _split_short_order(part: str) -> tuple[str, ...]:
    match = _BY_THE_WAY.match(part)
    if match is None or not _is_order(match.group()):
        return (part,)
    return match.group(), part[match.end() :].lstrip(" ,")


def _split_at_addresses(part: str) -> tuple[str, ...]:
    asks = part.rstrip().endswith("?")
    starts = [0]
    for match in _CAPITAL.finditer(part):
        word, start = match.group().casefold(), match.start()
        begins = word in ASKING or may_be_base_verb(word)
        if begins and _is_address_start(part[start : start + _FAR], asks=asks):
            starts.append(start)
    return tuple(part[start:end] for start, end in pairwise([*starts, len(part)]))


def _is_address_start(text: str, *, asks: bool) -> bool:
    """Return whether a question or an order begins here.

    Args:
        text: from here on, a few words are enough.
        asks: whether the sentence ends with a question mark.
    """
    forms = _list_forms(text)
    if asks and len(forms) > 1 and forms[0] in ASKING:
        return True
    return _is_order(text, strictly=True) or _is_unmarked_question(forms)


def _list_forms(text: str) -> list[str]:
    """Return the compared forms of a text's words, "what's" as two."""
    return [
        form for word in split_words(text) for form in _SHORT_IS.sub(r"\g<1> is", word.text).split()
    ]


@lru_cache(maxsize=2048)
def classify_addressing(sentence: str, *, english: bool = True) -> AddressingType | None:
    """Classify a sentence as a question, order or advice to the reader; None if it is neither.

    Args:
        sentence: one sentence, as `split_sentences` gives it.
        english: whether English grammar may be taken for granted.
    """
    if _STEERING.search(sentence) or _MARKER.match(_strip_decoration(sentence)):
        return AddressingType.STEERS
    if _is_question(sentence, english=english):
        return AddressingType.ASKS
    if english and _contains_order(sentence):
        return AddressingType.ORDERS
    return None


class ReportedSpeechType(StrEnum):
    """Way in which a sentence reports somebody's words: as a statement, question or wish."""

    SAID = "said"
    WANTED = "wanted"


def classify_reported_speech(
    sentence: str, labels: Sequence[str] = ()
) -> ReportedSpeechType | None:
    """Classify how a sentence reports somebody's words, questions or wishes; None if it does not.

    That somebody has to be a person: a speaker's label, a name, "the participant", "her sister".

    Args:
        sentence: one sentence of a note.
        labels: what the interview calls its speakers.

    Returns:
        Whether it was said or wanted; nothing if the sentence speaks for itself. What was said is
        an order or a question only if its words are one.
    """
    if _ends_with_report(sentence, labels):
        return ReportedSpeechType.WANTED if _contains_address(sentence) else ReportedSpeechType.SAID
    return _classify_leading_report(sentence, labels)


def _classify_leading_report(sentence: str, labels: Sequence[str]) -> ReportedSpeechType | None:
    """Return how a sentence reports that begins with who said it."""
    bare = _strip_decoration(sentence)
    label = next((one for one in labels if bare.casefold().startswith(one.casefold())), None)
    rest = bare if label is None else bare[len(label) :]
    if label is not None and rest.lstrip().startswith(":"):
        return ReportedSpeechType.WANTED if _contains_address(rest) else ReportedSpeechType.SAID
    read = split_words(rest)
    heads = [word.text for word in read][:_FURTHEST]
    if label is None and not _REPORTS & set(heads[1:2]) and _is_order(bare):
        return None
    at = next((at for at, one in enumerate(heads) if one in _REPORTS), None)
    if at is None:
        return None
    subject = heads[:at]
    while subject and subject[-1] in BETWEEN:
        subject.pop()
    passive = bool(heads[:at]) and heads[at - 1] in {"was", "were", "been", "is", "are"}
    if passive and heads[at] not in REQUESTING | {"told"}:
        return None
    named = label is not None if not subject else _is_person(subject, rest)
    if not named:
        return None
    said = rest[read[at].end :]
    wanted = heads[at] in REQUESTING or (
        heads[at] in {"told", "tells", "tell"} and _TO.search(said)
    )
    return (
        ReportedSpeechType.WANTED if wanted or _contains_address(said) else ReportedSpeechType.SAID
    )


def _ends_with_report(sentence: str, labels: Sequence[str]) -> bool:
    """Return whether a sentence ends by telling who said it: "Keep it short, she said."."""
    _, comma, last = sentence.rpartition(", ")
    said = split_words(last) if comma else ()
    if not 1 < len(said) <= _LONGEST_REPORT:
        return False
    forms = [one.text for one in said]
    at = next((at for at, one in enumerate(forms) if one in REPORTING), None)
    if not at or not {*forms[at + 1 :]} <= _HEARERS:
        return False
    subject = forms[:at]
    while subject and subject[-1] in BETWEEN:
        subject.pop()
    who = last[: said[len(subject) - 1].end].strip() if subject else ""
    is_speaker_placeholder = who.casefold() in {label.casefold() for label in labels}
    return bool(subject) and (is_speaker_placeholder or _is_person(subject, last))


def _is_person(subject: Sequence[str], text: str) -> bool:
    """Whether some words, with which a text begins, name a person who says or wants something."""
    if len(subject) > _LONGEST or MACHINERY & set(subject):
        return False
    if subject[-1] in PERSONS:
        return True
    if subject[0] in POSSESSORS:
        return len(subject) > 1
    is_name = len(subject) <= _NAME and text[:1].isupper() and not get_word_classes(subject[0])
    return is_name and subject[0] not in FUNCTION_WORDS


def _contains_address(said: str) -> bool:
    """Return whether reported words are themselves an order or a question."""
    return any(classify_addressing(one) is not None for one in split_sentences(said))


def remove_quotations(sentence: str) -> str:
    """Replace each quotation in a sentence by an ellipsis."""
    return _QUOTED.sub(" \u201c…\u201d ", sentence)


def _strip_decoration(text: str) -> str:
    """Return a text without the signs and labels before its first word that counts."""
    before = None
    while before != text:
        before, text = text, _DECORATION.sub("", text)
    return text


def _is_question(sentence: str, *, english: bool) -> bool:
    questions = sentence.rstrip(" \"'\u201d\u2019)*_").endswith("?")
    if not english:
        return questions
    if not questions:
        return _is_unmarked_question(_list_forms(_skip_openers(_CLAUSE.split(sentence, 1)[0])))
    clauses = [_list_forms(_skip_openers(one)) for one in _CLAUSE.split(sentence)]
    asking = any(
        bool(one) and one[0] in ASKING | INVERTED and (len(one) > _TAG or len(clauses) == 1)
        for one in clauses
    )
    return asking or not any(word in FINITE for one in clauses for word in one)


def _is_unmarked_question(heads: Sequence[str]) -> bool:
    if len(heads) < _FEWEST:
        return False
    if heads[0] in {"can", "could", "would", "will"}:
        return heads[1] == "you"
    return heads[0] in {"how", "why", "when", "where"} and heads[1] in INVERTED


def _contains_order(sentence: str) -> bool:
    bare = _strip_decoration(sentence)
    label = _LABEL.match(bare)
    starts = (bare, bare[label.end() :]) if label else (bare,)
    if any(_is_order(one) or _is_conditional_order(one) for one in starts):
        return True
    return any(
        may_be_base_verb(verb.casefold()) for found in _MIDDLE.findall(sentence) for verb in found
    )


def _is_conditional_order(text: str) -> bool:
    """Return whether an order follows the first comma: "if you read this, write …"."""
    _, comma, rest = text.partition(",")
    return bool(comma) and _FRONTED.match(text) is not None and _is_order(rest, strictly=True)


def _skip_openers(text: str) -> str:
    """Return a text from its first word on that may be a verb."""
    bare = _strip_decoration(text)
    for word in split_words(bare):
        if word.text in OPENERS or (word.text.endswith("ly") and not may_be_base_verb(word.text)):
            continue
        return bare[word.start :]
    return ""


def _is_order(text: str, *, strictly: bool = False) -> bool:
    """Return whether a text begins with a verb that has no subject.

    Args:
        text: a sentence, or what follows a label or a condition.
        strictly: whether the verb's object has to follow if the verb may be a noun.
    """
    opened = _skip_openers(text)
    heads = split_words(opened)
    named = opened[:1].isupper() and opened != _strip_decoration(text) and not opened.isupper()
    if named:
        return False
    if heads and heads[0].text in {"don't", "do"}:
        heads = heads[2 if [one.text for one in heads[1:2]] == ["not"] else 1 :]
        heads = () if heads and heads[0].text in FINITE else heads
    if not heads or not may_be_base_verb(heads[0].text) or heads[0].text in RARELY:
        return False
    return not _begins_with_name(opened, heads) and _lacks_subject(heads, strictly=strictly)


def _lacks_subject(heads: Sequence[Word], *, strictly: bool) -> bool:
    """Return whether words that begin with a verb go on as an order does."""
    first, follows = heads[0].text, [one.text for one in heads[1:2]]
    if first in ELLIPTIC:
        return bool(ELLIPTIC_ORDERS.get(first, _YOURS) & set(follows))
    goes_on = bool(follows) and not heads[0].after.strip()
    if strictly:
        return goes_on and follows[0] in PLAIN_OBJECTS and "ADJ" not in get_word_classes(first)
    if is_only_verb(first) or (goes_on and follows[0] in OBJECTS):
        return True
    goes_on = goes_on and follows[0] not in {"of", "you"}
    return (
        goes_on
        and _may_begin_bare_order(first)
        and not any(_is_finite_verb(one.text) for one in heads)
    )


def _begins_with_name(text: str, heads: Sequence[Word]) -> bool:
    """Return whether a verb that a text begins with is somebody's name: "Bob Ross", "Mark was"."""
    if heads[0].text not in GIVEN_NAMES or not text[:1].isupper() or text.isupper():
        return False
    following = heads[2:3] if [one.text for one in heads[1:2]] == ["and"] else heads[1:2]
    if any(_is_capitalized(one, text) for one in following):
        return True
    for one in heads[1:_FURTHEST]:
        if one.text in SUBORDINATING or "," in one.before:
            return False
        if one.text in FINITE:
            return True
    return False


def _is_capitalized(word: Word, text: str) -> bool:
    """Return whether a word of a text is written as names are."""
    return text[word.start].isupper() and word.text not in OBJECTS | FUNCTION_WORDS


def _may_begin_bare_order(word: str) -> bool:
    """Return whether an order of one verb and bare nouns may begin with a word: "use numbers"."""
    return not {"ADJ", "ADV"} & get_word_classes(word).keys()


def _is_finite_verb(word: str) -> bool:
    if word in FINITE or (word.endswith("ed") and "VERB" in get_word_classes(word)):
        return True
    return any(
        word in get_past_only_forms(verb)
        for verb in get_word_classes(word).get("VERB", ())
        if verb != word
    )


def is_english_word(word: str) -> bool:
    """Return whether a lower-case word, or both parts of a contraction, is English."""
    stem, _, end = word.partition("'")
    if end and end not in _ENDINGS:
        return False
    return stem in _CLOSED or bool(get_word_classes(stem)) or not stem.isalpha()
