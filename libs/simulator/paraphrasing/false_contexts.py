"""Templates of false notes that mistake why it is so, how far it holds, and what was meant."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from simulator.paraphrasing.false_statements import (
    MIN_WORDS,
    FalseStatement,
    FalseTemplate,
    build_false_statement,
    has_enough_words,
)
from simulator.paraphrasing.kinds import FalseNoteKind
from simulator.paraphrasing.persons import convert_to_third_person
from simulator.paraphrasing.sentences import CORRECTION, LATER_LIMITS, SpokenSentence
from simulator.wording import split_words

_AND: Final = re.compile(
    r"(?<=\w)(,? and (?:then |so )?|,? so )(?=(?:I|we|they|he|she|it|my|there|people)\b)"
)
_SINCE: Final = re.compile(
    r"(?:\b(?:have|has|had|haven't|hasn't)|'ve) (?:[\w']+ ){1,6}(since)\b(?! then| ever)",
    re.IGNORECASE,
)
"""A time since when, as the perfect before it shows; no reason."""
_CAUSAL: Final = re.compile(
    r"\b(?:because|'?cause|since|so|due to|why|reason|therefore)\b", re.IGNORECASE
)
_CORRECTED_INSIDE: Final = re.compile(
    r"^(?P<first>.{15,}?)(?:[,.—\u2013-]+ ?|\.\.\. ?)"
    r"(?:no,? wait|no,? sorry|wait,? no|sorry,|or rather|scratch that|no,? actually"
    r"|actually,? no)\b",
    re.IGNORECASE,
)
_MOCK_PRAISE: Final = re.compile(
    r"^(?:oh,? (?:yeah|sure|great|right|wonderful|fantastic),? |yeah,? right,? |sure,? |right,? "
    r"|oh,? )(?=.*\b(?:great|wonderful|love|loved|fantastic|brilliant|best|perfect|lovely|amazing"
    r"|fun|genius|delightful)\b)",
    re.IGNORECASE,
)
_JEST: Final = re.compile(
    r"just kidding|kidding|joking|yeah,? right|as if\b|not\.|\(laugh|\[laugh", re.IGNORECASE
)
_FRAME: Final = (
    re.compile(
        r"^(?:on|in|at|for|with|without|as|before|during|since|until|for a|officially|on paper"
        r"|back then|these days|at first|in theory)\b[^,.]{2,40}, (?=\w+ \w+ \w+ \w)"
        r"|^(?:officially|theoretically|back then|at first|normally), ",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<=\w), (?:on|in|at|for|with|without|as an?|during|mostly|mainly|just|only)"
        r" [^,.]{3,40}(?=\.$)"
    ),
)
"""When, where or for whom it is so, set apart by a comma."""
_DANGLING: Final = re.compile(
    r"\b(?:and|but|or|so|because|in|on|at|to|of|with|from)\.$", re.IGNORECASE
)
_FEELINGS: Final = (
    "was glad that",
    "was proud that",
    "complained that",
    "was disappointed that",
    "regretted that",
)


def invent_cause(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement that turns two facts into cause and effect; None without two."""
    since = _SINCE.search(one.text)
    if since:
        text = one.text[: since.start(1)] + "because" + one.text[since.end(1) :]
        return build_false_statement(text[:1].upper() + text[1:], one, chance)
    if _CAUSAL.search(one.text) or one.is_question:
        return None
    joined = _AND.search(one.text)
    if joined and len(split_words(one.text[: joined.start()])) >= MIN_WORDS:
        text = f"{one.text[: joined.start()]} because {one.text[joined.end() :]}"
        return build_false_statement(text, one, chance)
    beside = [*one.before[-1:], *one.after[:1]]
    reasons = [two for two in beside if "?" not in two and len(split_words(two)) >= MIN_WORDS]
    if not reasons or any(_CAUSAL.search(two) for two in reasons):
        return None
    reason = chance.choice(reasons)
    reason = reason if reason.startswith(("I ", "I'")) else reason[:1].lower() + reason[1:]
    text = f"{one.text.rstrip('.!…')} because {reason.rstrip('.!…')}."
    framed = build_false_statement(text, one, chance)
    return FalseStatement(framed.statement, (one.turn,)) if framed else None


def ignore_retraction(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement from words that the speaker then retracts; None without those."""
    inside = _CORRECTED_INSIDE.match(one.place.text)
    if inside and has_enough_words(inside["first"]):
        return build_false_statement(f"{inside['first'].rstrip(' ,')}.", one, chance)
    if one.is_retracted and not one.is_question and not CORRECTION.match(one.place.text):
        return build_false_statement(one.text, one, chance)
    return None


def take_irony_literally(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Return a false statement that takes a passage's irony literally; None if it has none."""
    mocking = _MOCK_PRAISE.search(one.place.text)
    around = " ".join((one.place.text, *one.after[:1]))
    if not mocking or not (
        _JEST.search(around) or one.place.text.lower().startswith(("oh", "yeah, right"))
    ):
        return None
    text = one.place.text[mocking.end() :] if chance.random() < 2 / 3 else one.place.text
    return build_false_statement(text[:1].upper() + text[1:], one, chance)


def drop_time_or_place(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement that omits a sentence's time or place; None if it has neither."""
    if not one.is_plain:
        return None
    texts = [text for frame in _FRAME if (text := frame.sub("", one.text)) != one.text]
    texts = [text for text in texts if not _DANGLING.search(text)]
    return (
        build_false_statement(texts[0][:1].upper() + texts[0][1:], one, chance) if texts else None
    )


def make_limit_ignoring_template(kind: FalseNoteKind) -> FalseTemplate:
    """Build a template for false statements that ignore a limitation in the next sentence."""
    limit = LATER_LIMITS[kind]

    def write(one: SpokenSentence, chance: Random) -> FalseStatement | None:
        is_limited = not one.is_question and bool(one.after) and limit.match(one.after[0])
        return build_false_statement(one.text, one, chance) if is_limited else None

    return write


def add_feeling(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement that adds a feeling which the speaker does not express."""
    if not one.is_plain:
        return None
    retold = convert_to_third_person(one.text)
    feeling = chance.choice(_FEELINGS)
    return FalseStatement(f"{one.turn.speaker} {feeling} {retold[:1].lower()}{retold[1:]}")
