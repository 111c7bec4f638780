"""Split a benchmark's document into the turns of its speakers.

Two forms are read. In one, each line is a turn and begins with ``Name:``; a line without a name
goes on with the turn before it, where other lines show that the document is a dialogue. In the
other, which SummEdits has for chats, all turns stand in one line with `` . `` between them.
A document without names is one turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.ids import derive_id
from contracts.study import Study, Theme
from contracts.transcript import Segment
from grounding.text.words import split_words
from transcripts.speakers.roles import assign_roles

THEME: Final = Theme(id="summary", name="Summary")
_STUDY: Final = Study(study_id="evaluation", name="Evaluation", themes=(THEME,))

UNNAMED: Final = "Speaker"
"""The label of words that no name stands before."""

_COLON: Final = re.compile(r"\s*(?::(?=\s|$)|\uff1a)\s*")
_MAX_LABEL: Final = 200
_SENTENCE_END: Final = re.compile(r"(?<!\b\w)(?<!\b\w\w)(?<!\b\w\w\w)(?<!\b\w\w\w\w)[.?!…]+\s")
"""The end of a sentence, which no name contains; a point after up to four letters shortens one."""
_MAX_LABEL_WORDS: Final = 8
_FEW_WORDS: Final = 2
_PARTICLES: Final = frozenset(
    {"a", "and", "da", "de", "del", "den", "der", "di", "du", "e", "for", "in", "la", "le"}
    | {"of", "on", "the", "van", "von", "y"}
)
_HEADERS: Final = frozenset({"cc", "date", "from", "re", "subject", "to"})
"""Words before the colon in the head of an e-mail, which are nobody's names."""
_INNER_LABEL: Final = re.compile(
    r"(?:(?<=[.?!…\"”\u2019)\]]\s)|(?<=[.?!…\"”\u2019)\]]\s\s))"
    r"(?P<label>(?:\w{1,4}\.\s)?[^\s.?!…:\uff1a][^.?!…:\uff1a]{0,80}?)\s*(?::\s|\uff1a)"
)
_SEPARATOR: Final = re.compile(r"\s+\.\s*$")
_MIN_INNER_TURNS: Final = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says without being interrupted."""

    speaker: str
    text: str


def split_turns(document: str) -> list[Turn]:
    """Return the turns of a document that have words; one turn if it is no dialogue."""
    lines = [line.strip() for line in document.splitlines() if line.strip()]
    turns = _split_lines(lines) if len(lines) > 1 else _split_line("".join(lines))
    return [one for one in turns or [Turn(UNNAMED, document)] if split_words(one.text)]


def build_document_chunk(turns: Sequence[Turn]) -> ChunkReady:
    """Return turns, of which there has to be one, as a chunk of one segment each.

    Raises:
        pydantic.ValidationError: a turn or its speaker's name is longer than an event allows.
    """
    roles = assign_roles(dict.fromkeys(turn.speaker for turn in turns), (), {})
    segments = tuple(
        Segment(number=number, speaker=turn.speaker, role=roles[turn.speaker], text=turn.text)
        for number, turn in enumerate(turns, start=1)
    )
    return ChunkReady(
        chunk_id=derive_id("document", *(f"{turn.speaker}: {turn.text}" for turn in turns)),
        transcript_id=UUID(int=1),
        revision=1,
        index=1,
        chunk_count=1,
        title="A document",
        study=_STUDY,
        segments=segments,
    )


def _split_lines(lines: Sequence[str]) -> list[Turn] | None:
    """Return the turns of a document with a turn a line; None if its lines are none."""
    split = [_split_label(line) for line in lines]
    if all(label and not _SENTENCE_END.search(label) for label, _ in split):
        return [Turn(label, text) for label, text in split]
    labels = [label if _is_name(label) else "" for label, _ in split]
    if not labels[0] or not _are_of_a_dialogue(labels):
        return None
    turns: list[Turn] = []
    for line, label, (_, text) in zip(lines, labels, split, strict=True):
        if label:
            turns.append(Turn(label, text))
        else:
            turns[-1] = Turn(turns[-1].speaker, f"{turns[-1].text}\n{line}".strip())
    return turns


def _split_label(line: str) -> tuple[str, str]:
    """Return what stands before a line's first colon and behind it; "" and the line if nothing."""
    colon = _COLON.search(line)
    if colon is None or not 0 < colon.start() <= _MAX_LABEL:
        return "", line
    return line[: colon.start()], line[colon.end() :]


def _are_of_a_dialogue(labels: Sequence[str]) -> bool:
    """Return whether somebody speaks twice, or most lines begin with a name."""
    named = [label for label in labels if label]
    if len(set(named)) < len(named):
        return True
    heads = any(label.casefold() in _HEADERS for label in named)
    return len(named) > 1 and 2 * len(named) >= len(labels) and not heads


def _is_name(label: str) -> bool:
    """Return whether words read as a speaker's name or role, and not as a sentence's beginning."""
    words = label.split()
    if not words or len(words) > _MAX_LABEL_WORDS or _SENTENCE_END.search(label):
        return False
    if len(words) <= _FEW_WORDS:
        return True
    return all(word in _PARTICLES or not word.lstrip("([{\"'“#@")[:1].islower() for word in words)


def _split_line(line: str) -> list[Turn] | None:
    """Return the turns of a document of one line; None if it names no speakers."""
    starts = _list_labels(line)
    separated = [one for one in starts if _SEPARATOR.search(line, max(0, one.start - 4), one.start)]
    if len(separated) > 1:  # then a colon behind a sentence is no turn's: “Again. Round three: …”
        starts = [one for one in starts if one in separated or not one.start]
    if not starts or (starts[0].start and len(starts) < _MIN_INNER_TURNS):
        return None
    return list(_iter_inner_turns(line, starts))


@dataclass(frozen=True, slots=True)
class _Label:
    """A speaker's name in a line: where it begins, and where the words behind it do."""

    start: int
    end: int
    name: str


def _list_labels(line: str) -> list[_Label]:
    """Return the names at a line's beginning and behind its sentences."""
    name, text = _split_label(line)
    first = [_Label(0, len(line) - len(text), name)] if _is_name(name) else []
    inner = (
        _Label(one.start(), one.end(), one["label"])
        for one in _INNER_LABEL.finditer(line, first[0].end if first else 0)
    )
    return first + [one for one in inner if _is_name(one.name)]


def _iter_inner_turns(line: str, starts: Sequence[_Label]) -> Iterator[Turn]:
    if starts[0].start:
        yield Turn(UNNAMED, line[: starts[0].start])
    ends = [*(after.start for _, after in pairwise(starts)), len(line)]
    for one, end in zip(starts, ends, strict=True):
        yield Turn(one.name, _SEPARATOR.sub("", line[one.end : end].strip()))
