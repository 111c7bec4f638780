"""Makes a true note false in one known way.

The words put in are lists of their own, not the checks' tables: what a check does not know must
show as a miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from grounding.evaluation.extracts import Extract
from grounding.text.words import listed

_NUMBERS: Final = sorted(
    listed(
        """two three four five six seven eight nine ten eleven twelve fifteen sixteen eighteen
        twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"""
    )
)
_TIMES: Final = tuple(
    group.split()
    for group in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "january february april june july august september october november december",
        "yesterday today tomorrow tonight",
        "morning afternoon evening night",
        "summer winter autumn",
        "before after",
        "last next",
        "early late",
        "earlier later",
        "daily weekly monthly yearly",
    )
)
_QUANTITIES: Final = (
    ("all", "some few most"),
    ("every", "some few"),
    ("everybody", "somebody nobody"),
    ("everyone", "someone nobody"),
    ("everything", "something nothing"),
    ("always", "sometimes never rarely"),
    ("some", "all most no"),
    ("somebody", "everybody nobody"),
    ("someone", "everyone nobody"),
    ("something", "everything nothing"),
    ("sometimes", "always never"),
    ("most", "all few"),
    ("many", "few all"),
    ("few", "many most"),
    ("often", "rarely always"),
    ("usually", "rarely always"),
)
_NEGATIONS: Final = {
    "can't": "can",
    "won't": "will",
    "ain't": "is",
    "nobody": "everybody",
    "nothing": "something",
    "none": "all",
    "cannot": "can",
    "without": "with",
}
_NEGATION: Final = re.compile(
    r"\b(?:\w+n['\u2019]t|not|never|no|none|nobody|nothing|neither|nor|cannot|nowhere|without"
    r"|hardly|barely|nah|nope)\b",
    re.IGNORECASE,
)
_AUXILIARY: Final = re.compile(
    r"\b(?:is|was|are|were|can|could|would|will|should|did|have|has|had|it's|that's|he's|she's"
    r"|they're|i'm|we're)\b(?!['\u2019])",
    re.IGNORECASE,
)
_PERSON: Final = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b(?!['\u2019](?:m|ve|ll|d)\b)")
_COMMON: Final = re.compile(r"\b[a-z]+\b")
_STRANGERS: Final = sorted(
    listed("Harriet Lars Priya Benedict Tokyo Nairobi Oslo Gustavo Ingrid Quebec")
)
_CALENDAR: Final = frozenset(word for group in _TIMES for word in group) | {"may", "march"}

Spoiler = Callable[[Extract, ChunkReady, Random], DraftNote | None]


def _number(extract: Extract, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    there = extract.segment.text.casefold()
    pattern = re.compile(rf"\b(?:\d+|{'|'.join(_NUMBERS)})\b", re.IGNORECASE)
    found = list(pattern.finditer(extract.draft.statement))
    if not found:
        return None
    match = random.choice(found)
    if match.group().isdigit():
        other = str(int(match.group()) + random.randint(1, 9))
    else:
        other = random.choice([one for one in _NUMBERS if one not in there] or ["zero"])
    return None if other in there else _put(extract.draft, match, other)


def _negation(extract: Extract, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    """Drops the only negation of a statement, or puts one in."""
    statement = extract.draft.statement
    found = list(_NEGATION.finditer(statement))
    if len(found) == 1 and _denies(statement, found[0]):
        word = found[0].group().casefold().replace("\u2019", "'")
        plain = word.removesuffix("n't") if word.endswith("n't") else ""
        return _put(extract.draft, found[0], _NEGATIONS.get(word, plain))
    auxiliaries = list(_AUXILIARY.finditer(statement))
    if found or not auxiliaries:
        return None
    match = random.choice(auxiliaries)
    return _put(extract.draft, match, f"{match.group()} {random.choice(['not', 'never'])}")


def _denies(statement: str, match: re.Match[str]) -> bool:
    """Leaves out what negates nothing: an interjected "no", a tag, "not only"."""
    after = statement[match.end() :].casefold()
    if match.group().casefold() in {"no", "nah", "nope"}:
        noun = r" (?!i\b|it|he|she|we|you|they|that|there|but|and|no\b|not)\w"
        return re.match(noun, after) is not None
    tag = r" (?:only|just|(?:it|he|she|they|you|we|i)\W*$|you (?:think|know)\W*$)"
    return re.match(tag, after) is None


def _name(extract: Extract, chunk: ChunkReady, random: Random) -> DraftNote | None:
    found = list(_PERSON.finditer(extract.draft.statement))
    text = "\n".join(segment.text for segment in chunk.segments)
    common = set(_COMMON.findall(text)) | _CALENDAR | {"god"}
    found = [one for one in found if one.group().casefold() not in common]
    strange = sorted(one for one in set(_PERSON.findall(text)) if one.casefold() not in common)
    others = [one for one in (*strange, *_STRANGERS) if one not in extract.said]
    return _put(extract.draft, random.choice(found), random.choice(others)) if found else None


def _speaker(extract: Extract, chunk: ChunkReady, random: Random) -> DraftNote | None:
    labels = sorted({one.speaker for one in chunk.segments} - {extract.segment.speaker})
    return attributed(extract, random.choice(labels)) if labels else None


def attributed(extract: Extract, label: str) -> DraftNote:
    """The note as what somebody said."""
    return _worded(extract.draft, f"{label} said: {extract.draft.statement}")


def _segment(extract: Extract, chunk: ChunkReady, random: Random) -> DraftNote | None:
    """Cites other words: the right ones in a wrong segment, or another segment as a whole."""
    words = set(extract.draft.statement.casefold().split())
    others = [
        one
        for one in chunk.segments
        if one.number != extract.segment.number
        and one.role is extract.segment.role
        and extract.draft.statement.casefold() not in one.text.casefold()
        and len(words - set(one.text.casefold().split())) > len(words) / 2
    ]
    if not others:
        return None
    number = random.choice(others).number
    cited = extract.draft.evidence[0].model_copy(update={"segment": number})
    if random.random() < 0.5:  # noqa: PLR2004 - one half each way
        cited = DraftEvidence(segment=number)
    return extract.draft.model_copy(update={"evidence": (cited,)})


def _theme(extract: Extract, _chunk: ChunkReady, _random: Random) -> DraftNote | None:
    return extract.draft.model_copy(update={"themes": ("weather",)})


def _time(extract: Extract, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    changes = [
        (match, other)
        for group in _TIMES
        for match in re.finditer(
            rf"\b(?:{'|'.join(group)})\b", extract.draft.statement, re.IGNORECASE
        )
        for other in group
        if not re.search(rf"\b{other}\b", extract.said, re.IGNORECASE)
    ]
    return _put(extract.draft, *random.choice(changes)) if changes else None


def _quantifier(extract: Extract, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    changes = [
        (match, other)
        for word, others in _QUANTITIES
        for match in re.finditer(
            rf"(?<![\w'\u2019]){word}\b(?! of|['\u2019])", extract.draft.statement, re.IGNORECASE
        )
        for other in others.split()
        if not re.search(rf"\b{other}\b", extract.said, re.IGNORECASE)
    ]
    return _put(extract.draft, *random.choice(changes)) if changes else None


def _put(draft: DraftNote, match: re.Match[str], other: str) -> DraftNote:
    other = other.capitalize() if match.group()[:1].isupper() else other
    return _worded(draft, draft.statement[: match.start()] + other + draft.statement[match.end() :])


def _worded(draft: DraftNote, statement: str) -> DraftNote:
    return draft.model_copy(update={"statement": " ".join(statement.split())})


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of spoiling: its name, and the function that does it where a note allows it."""

    name: str
    spoil: Spoiler


KINDS: Final[Sequence[Kind]] = (
    Kind("number", _number),
    Kind("negation", _negation),
    Kind("name", _name),
    Kind("speaker", _speaker),
    Kind("segment", _segment),
    Kind("theme", _theme),
    Kind("time", _time),
    Kind("quantifier", _quantifier),
)
