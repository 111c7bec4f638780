"""From a source's passages to segments: one uninterrupted turn of one speaker each.

Only a turn that is too long for a model call is several segments, one right after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from contracts.transcript import Segment, Speaker, WordTiming
from transcripts.limits import LIMITS, at_most, refuse_more
from transcripts.notices import Mended, Notices
from transcripts.roles import UNNAMED, assign_roles
from transcripts.splitting import MAX_SEGMENT_CHARACTERS, TurnPart, split_turn
from transcripts.text import Piece, clean, join, says_something

_LONGEST_LABEL = 200  # what contracts.transcript.SpeakerLabel takes
"""Characters of a speaker's label; what follows is cut."""

_BLANK: Final = Piece(" ")
_VALIDATE_SEGMENT: Final = Segment.__pydantic_validator__.validate_python
"""What the constructor calls, in a third of its time."""

_Turn = tuple[str, str, tuple[WordTiming, ...]]  # speaker, text and word times


class Passage(NamedTuple):
    """Speech of one speaker in one cue, line or monologue; empty ``speaker``: not named."""

    speaker: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Vendor's file once read: passages in order, and the vendor's notes on speakers."""

    passages: Sequence[Passage]
    notes: Mapping[str, str] = field(default_factory=dict)
    rejected_labels: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    labels_seen_once: frozenset[str] = frozenset()


def label_of(name: str) -> str:
    """Return a speaker's name as a label: clean, short enough, never empty."""
    return clean(name)[:_LONGEST_LABEL].strip() or UNNAMED


def segments_of(
    source: Source,
    speakers: Sequence[Speaker],
    notices: Notices,
    max_characters: int = MAX_SEGMENT_CHARACTERS,
) -> tuple[Segment, ...]:
    """Merge consecutive passages of a speaker, number them from 1 and give them roles.

    Args:
        source: passages in the order of the talk.
        speakers: roles the producer declared.
        notices: takes what had to be mended.
        max_characters: a longer turn is split into several segments.

    Returns:
        The segments; none if nothing was said.

    Raises:
        TooLargeTranscriptError: there are more turns, speakers, timed words or characters than a
            transcript may have.
    """
    pieces = [piece for passage in source.passages for piece in passage.pieces]
    refuse_more(len(pieces), LIMITS.timed_words, "timed words")
    # As the source has them: cleaning the text is what takes time.
    refuse_more(sum(len(one.text) for one in pieces), LIMITS.characters, "characters of speech")
    notices.add(
        Mended.NULL_CHARACTER, sum("\0" in one.text and one.text.count("\0") for one in pieces)
    )
    notes = {label_of(name): note for name, note in source.notes.items()}
    turns = at_most(_turns(source.passages), LIMITS.turns, "turns")
    labels = dict.fromkeys(speaker for speaker, _, _ in turns)
    refuse_more(len(labels), LIMITS.speakers, "speakers")
    roles = assign_roles(labels, speakers, notes)
    segments = [
        _VALIDATE_SEGMENT(
            {
                "number": number,
                "speaker": speaker,
                "role": roles[speaker],
                "text": said.text,
                "start_ms": said.start_ms,
                "end_ms": said.end_ms,
                "words": said.words,
            }
        )
        for number, (speaker, said) in enumerate(
            at_most(_short(turns, max_characters, notices), LIMITS.turns, "turns"), start=1
        )
    ]
    return tuple(_placed(segments, notices))


def _short(turns: Iterable[_Turn], most: int, notices: Notices) -> Iterator[tuple[str, TurnPart]]:
    for speaker, text, words in turns:
        if len(text) > most:
            notices.add(Mended.LONG_TURN, limit=most)
        for said in split_turn(text, words, most):
            yield speaker, said


def _placed(segments: Sequence[Segment], notices: Notices) -> Iterator[Segment]:
    """Give a turn without times those between its neighbours: after the one, before the other."""
    if all(segment.start_ms is None for segment in segments):
        yield from segments
        return
    following: list[int | None] = [None]
    for segment in reversed(segments):
        following.append(following[-1] if segment.start_ms is None else segment.start_ms)
    latest: int | None = None
    for segment, next_start_ms in zip(segments, following[-2::-1], strict=True):
        if segment.start_ms is not None:
            latest = segment.end_ms
            yield segment
        elif latest is None or next_start_ms is None:
            yield segment
        else:
            notices.add(Mended.PLACED)
            end_ms = max(latest, next_start_ms)
            yield segment.model_copy(update={"start_ms": latest, "end_ms": end_ms})


def _turns(passages: Iterable[Passage]) -> Iterator[_Turn]:
    labels: dict[str, str] = {}  # cleaning one label for each of its passages takes long
    spoken = (
        (labels.get(one.speaker) or labels.setdefault(one.speaker, label_of(one.speaker)), one)
        for one in passages
        if _is_spoken(one)
    )
    for label, group in groupby(spoken, key=itemgetter(0)):
        text, words = join(_one_after_another(passage for _, passage in group))
        yield label, text, words


def _is_spoken(passage: Passage) -> bool:
    pieces = passage.pieces
    if len(pieces) == 1:
        return says_something(pieces[0].text)
    return any(says_something(piece.text) for piece in pieces)


def _one_after_another(passages: Iterable[Passage]) -> Iterator[Piece]:
    for passage in passages:
        pieces = passage.pieces
        if not pieces or pieces[0].text[:1] != " ":
            yield _BLANK
        yield from pieces
