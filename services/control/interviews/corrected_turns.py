"""Turns of an interview as people correct them, and the chunks whose text for the model changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from contracts.corrections import CorrectTranscriptRequest
from contracts.transcript import Role, Segment
from control.domain import BadRequestError
from transcripts import split_into_chunks
from transcripts.segments.chunks import Chunk, select_context_turns

CONTEXT_CHARACTERS: Final = 800
"""Most context of a chunk by default, in characters of English, as ingestion has it."""

MAX_NAMED: Final = 20
"""Speakers that an error names at most."""


@dataclass(frozen=True)
class SpokenTurns:
    """Turns of an interview, and the pseudonym of each who speaks.

    Attributes:
        segments: the turns, in order.
        pseudonyms: by label.
        is_open: whether whoever asks may see the labels.
    """

    segments: tuple[Segment, ...]
    pseudonyms: Mapping[str, str]
    is_open: bool

    @cached_property
    def labels(self) -> Mapping[str, Role]:
        """The speakers, in order of appearance, with the role of their first turn."""
        found: dict[str, Role] = {}
        for segment in self.segments:
            found.setdefault(segment.speaker, segment.role)
        return found

    @property
    def shown(self) -> list[str]:
        """The speakers, in order of appearance, by the names that whoever asks may see."""
        return [label if self.is_open else self.pseudonyms[label] for label in self.labels]

    def resolve(self, name: str) -> str | None:
        """Return the label of the speaker with a name or a pseudonym; None if there is none."""
        if name in self.labels:
            return name
        labels = [label for label, pseudonym in self.pseudonyms.items() if pseudonym == name]
        return labels[0] if len(labels) == 1 else None


@dataclass(frozen=True, slots=True)
class ChunksToAsk:
    """Chunks of a corrected interview, and those among them that the model is asked again.

    Attributes:
        chunks: how many there are.
        asked_again: numbers of those whose text for the model changes.
        ranges: first and last turn of each of these.
        is_estimate: whether the interview was cut by other sizes than the default ones.
    """

    chunks: int
    asked_again: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    is_estimate: bool = False


def correct_turns(turns: SpokenTurns, wanted: CorrectTranscriptRequest) -> tuple[Segment, ...]:
    """Return an interview's turns with the speakers and roles that a correction gives them.

    Numbers, words and times are as they were: turns of one speaker in a row stay apart.

    Raises:
        BadRequestError: it names a speaker or a turn that is not there, or leaves a role open.
    """
    added = {one.speaker for one in wanted.turns if turns.resolve(one.speaker) is None}
    names: dict[str, str] = {}
    roles: dict[str, Role] = {}
    for one in wanted.speakers:
        label = turns.resolve(one.label)
        if label is None and (one.label not in added or one.name is not None):
            raise _unknown(one.label, turns)
        name = one.name or label or one.label
        if label is not None:
            names[label] = name
        if one.role is not None and roles.setdefault(name, one.role) is not one.role:
            raise BadRequestError(f"speakers: two roles for {name!r}")
    renamed = _rename(turns.segments, names, roles)
    return _give_turns(renamed, turns, wanted, names, roles)


def find_chunks_to_ask(
    before: Sequence[Segment], after: Sequence[Segment], stored: Sequence[tuple[int, int]]
) -> ChunksToAsk:
    """Find the chunks of a corrected interview whose text for the model is another one.

    Args:
        before: the turns as they are stored.
        after: the turns as they are corrected.
        stored: first and last turn of each chunk that is stored, in order.
    """
    known = split_into_chunks(before)
    if [_range(chunk) for chunk in known] != list(stored):
        return _estimate_chunks_to_ask(before, after, stored)
    asked = {_text(chunk) for chunk in known}
    chunks = split_into_chunks(after)
    again = [chunk for chunk in chunks if _text(chunk) not in asked]
    return ChunksToAsk(
        len(chunks), tuple(one.index for one in again), tuple(_range(one) for one in again)
    )


def list_changed_turns(before: Sequence[Segment], after: Sequence[Segment]) -> list[Segment]:
    """List the corrected turns that have another speaker or role."""
    return [
        new
        for old, new in zip(before, after, strict=True)
        if (old.speaker, old.role) != (new.speaker, new.role)
    ]


def _rename(
    segments: Sequence[Segment], names: Mapping[str, str], roles: Mapping[str, Role]
) -> list[Segment]:
    merged = _find_merged_roles(segments, names, roles)
    return [
        one.model_copy(
            update={
                "speaker": (name := names.get(one.speaker, one.speaker)),
                "role": roles.get(name) or merged.get(name) or one.role,
            }
        )
        for one in segments
    ]


def _find_merged_roles(
    segments: Sequence[Segment], names: Mapping[str, str], roles: Mapping[str, Role]
) -> dict[str, Role]:
    """Return the role of each name that several speakers have from now on.

    Raises:
        BadRequestError: they have different ones, and it is not said which one counts.
    """
    sources: dict[str, dict[str, Role]] = {}
    for one in segments:
        name = names.get(one.speaker, one.speaker)
        sources.setdefault(name, {}).setdefault(one.speaker, one.role)
    found: dict[str, Role] = {}
    for name, labels in sources.items():
        if len(labels) == 1 or name in roles:
            continue
        kept = labels.get(name) if name not in names else None
        known = {role for role in labels.values() if role is not Role.UNKNOWN}
        if kept in {None, Role.UNKNOWN} and len(known) > 1:
            raise BadRequestError(
                f"speakers: {name!r} is one of several speakers with different roles: give the role"
            )
        found[name] = (
            kept if kept in known and kept is not None else next(iter(known), Role.UNKNOWN)
        )
    return found


def _give_turns(
    segments: list[Segment],
    turns: SpokenTurns,
    wanted: CorrectTranscriptRequest,
    names: Mapping[str, str],
    roles: Mapping[str, Role],
) -> tuple[Segment, ...]:
    """Give turns to other speakers, by their numbers."""
    known: dict[str, Role] = {}
    for segment in segments:
        known.setdefault(segment.speaker, segment.role)
    given: dict[int, Segment] = {}
    for one in wanted.turns:
        speaker = one.speaker
        if speaker not in known and (label := turns.resolve(speaker)) is not None:
            speaker = names.get(label, label)  # by the pseudonym or the name before
        role = known.get(speaker, roles.get(speaker))
        if role is None:
            raise BadRequestError(
                f"turns: {speaker!r} does not speak in this interview ({_list(turns.shown)}); to "
                "add a speaker, say their role too"
            )
        last = one.last or one.first
        if last > len(segments):
            raise BadRequestError(f"turns: the last turn of this interview is {len(segments):,}")
        for number in range(one.first, last + 1):
            if number in given:
                raise BadRequestError(f"turns: turn {number:,} is given twice")
            update = {"speaker": speaker, "role": role}
            given[number] = segments[number - 1].model_copy(update=update)
    return tuple(given.get(segment.number, segment) for segment in segments)


def _estimate_chunks_to_ask(
    before: Sequence[Segment], after: Sequence[Segment], stored: Sequence[tuple[int, int]]
) -> ChunksToAsk:
    changed = [one.number for one in list_changed_turns(before, after)]
    again = []
    for index, (first, last) in enumerate(stored, start=1):
        # A turn has at least a character, so that no more turns than this fit.
        earlier = before[max(0, first - CONTEXT_CHARACTERS - 2) : first - 1]
        context = select_context_turns(earlier, CONTEXT_CHARACTERS)
        begin = context[0].number if context else first
        if bisect_left(changed, begin) < bisect_right(changed, last):
            again.append((index, (first, last)))
    numbers, ranges = tuple(index for index, _ in again), tuple(one for _, one in again)
    return ChunksToAsk(len(stored), numbers, ranges, is_estimate=True)


def _range(chunk: Chunk) -> tuple[int, int]:
    return chunk.segments[0].number, chunk.segments[-1].number


def _text(chunk: Chunk) -> tuple[tuple[object, ...], ...]:
    """Return what the model is told of a chunk, as ``prompts.documents`` has it."""
    return (_fields(chunk.context), _fields(chunk.segments))


def _fields(segments: Iterable[Segment]) -> tuple[object, ...]:
    return tuple((one.number, one.speaker, one.role, one.text) for one in segments)


def _unknown(label: str, turns: SpokenTurns) -> BadRequestError:
    return BadRequestError(
        f"speakers: nobody is called {label!r} in this interview: {_list(turns.shown)}"
    )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(map(repr, names[:MAX_NAMED])) + more
