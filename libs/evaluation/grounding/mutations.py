"""Mutate a true note so that it is false in one known way.

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
from evaluation.grounding.true_notes import TrueNote
from grounding.text.words import parse_word_list

_NUMBERS: Final = sorted(
    parse_word_list(
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
_OTHER_NAMES: Final = sorted(
    parse_word_list("Harriet Lars Priya Benedict Tokyo Nairobi Oslo Gustavo Ingrid Quebec")
)
_CALENDAR: Final = frozenset(word for group in _TIMES for word in group) | {"may", "march"}

Mutator = Callable[[TrueNote, ChunkReady, Random], DraftNote | None]


def _mutate_number(note: TrueNote, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    spoken = note.segment.text.casefold()
    pattern = re.compile(rf"\b(?:\d+|{'|'.join(_NUMBERS)})\b", re.IGNORECASE)
    found = list(pattern.finditer(note.draft.statement))
    if not found:
        return None
    match = random.choice(found)
    if match.group().isdigit():
        other = str(int(match.group()) + random.randint(1, 9))
    else:
        other = random.choice([one for one in _NUMBERS if one not in spoken] or ["zero"])
    return None if other in spoken else _replace(note.draft, match, other)


def _mutate_negation(note: TrueNote, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    """Drop the only negation of a statement, or put one in."""
    statement = note.draft.statement
    found = list(_NEGATION.finditer(statement))
    if len(found) == 1 and _is_negating(statement, found[0]):
        word = found[0].group().casefold().replace("\u2019", "'")
        plain = word.removesuffix("n't") if word.endswith("n't") else ""
        return _replace(note.draft, found[0], _NEGATIONS.get(word, plain))
    auxiliaries = list(_AUXILIARY.finditer(statement))
    if found or not auxiliaries:
        return None
    match = random.choice(auxiliaries)
    return _replace(note.draft, match, f"{match.group()} {random.choice(['not', 'never'])}")


def _is_negating(statement: str, match: re.Match[str]) -> bool:
    """Return whether a match negates something, unlike an interjected "no", a tag or "not only"."""
    after = statement[match.end() :].casefold()
    if match.group().casefold() in {"no", "nah", "nope"}:
        noun = r" (?!i\b|it|he|she|we|you|they|that|there|but|and|no\b|not)\w"
        return re.match(noun, after) is not None
    tag = r" (?:only|just|(?:it|he|she|they|you|we|i)\W*$|you (?:think|know)\W*$)"
    return re.match(tag, after) is None


def _mutate_name(note: TrueNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    found = list(_PERSON.finditer(note.draft.statement))
    text = "\n".join(segment.text for segment in chunk.segments)
    common = set(_COMMON.findall(text)) | _CALENDAR | {"god"}
    found = [one for one in found if one.group().casefold() not in common]
    in_interview = sorted(one for one in set(_PERSON.findall(text)) if one.casefold() not in common)
    others = [one for one in (*in_interview, *_OTHER_NAMES) if one not in note.sentence]
    return _replace(note.draft, random.choice(found), random.choice(others)) if found else None


def _mutate_speaker(note: TrueNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    labels = sorted({one.speaker for one in chunk.segments} - {note.segment.speaker})
    return attribute_to(note, random.choice(labels)) if labels else None


def attribute_to(note: TrueNote, speaker: str) -> DraftNote:
    """Return the note as a statement that a speaker is said to have made."""
    return _with_statement(note.draft, f"{speaker} said: {note.draft.statement}")


def _mutate_segment(note: TrueNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    """Cite other words: the right ones in a wrong segment, or another segment as a whole."""
    words = set(note.draft.statement.casefold().split())
    others = [
        one
        for one in chunk.segments
        if one.number != note.segment.number
        and one.role is note.segment.role
        and note.draft.statement.casefold() not in one.text.casefold()
        and len(words - set(one.text.casefold().split())) > len(words) / 2
    ]
    if not others:
        return None
    number = random.choice(others).number
    cited = note.draft.evidence[0].model_copy(update={"segment": number})
    if random.random() < 0.5:  # noqa: PLR2004 - one half each way
        cited = DraftEvidence(segment=number)
    return note.draft.model_copy(update={"evidence": (cited,)})


def _mutate_theme(note: TrueNote, _chunk: ChunkReady, _random: Random) -> DraftNote | None:
    return note.draft.model_copy(update={"themes": ("weather",)})


def _mutate_time(note: TrueNote, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    changes = [
        (match, other)
        for group in _TIMES
        for match in re.finditer(rf"\b(?:{'|'.join(group)})\b", note.draft.statement, re.IGNORECASE)
        for other in group
        if not re.search(rf"\b{other}\b", note.sentence, re.IGNORECASE)
    ]
    return _replace(note.draft, *random.choice(changes)) if changes else None


def _mutate_quantifier(note: TrueNote, _chunk: ChunkReady, random: Random) -> DraftNote | None:
    changes = [
        (match, other)
        for word, others in _QUANTITIES
        for match in re.finditer(
            rf"(?<![\w'\u2019]){word}\b(?! of|['\u2019])", note.draft.statement, re.IGNORECASE
        )
        for other in others.split()
        if not re.search(rf"\b{other}\b", note.sentence, re.IGNORECASE)
    ]
    return _replace(note.draft, *random.choice(changes)) if changes else None


def _replace(draft: DraftNote, match: re.Match[str], other: str) -> DraftNote:
    other = other.capitalize() if match.group()[:1].isupper() else other
    return _with_statement(
        draft, draft.statement[: match.start()] + other + draft.statement[match.end() :]
    )


def _with_statement(draft: DraftNote, statement: str) -> DraftNote:
    return draft.model_copy(update={"statement": " ".join(statement.split())})


@dataclass(frozen=True, slots=True)
class Mutation:
    """A way to make a note false.

    Attributes:
        name: what the figures call it.
        mutate: returns the false note, or None where the note does not allow it.
    """

    name: str
    mutate: Mutator


MUTATIONS: Final[Sequence[Mutation]] = (
    Mutation("number", _mutate_number),
    Mutation("negation", _mutate_negation),
    Mutation("name", _mutate_name),
    Mutation("speaker", _mutate_speaker),
    Mutation("segment", _mutate_segment),
    Mutation("theme", _mutate_theme),
    Mutation("time", _mutate_time),
    Mutation("quantifier", _mutate_quantifier),
)
