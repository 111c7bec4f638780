"""From a source's passages to segments: one uninterrupted turn of one speaker each.

Only a turn beyond ``MAX_SEGMENT_CHARACTERS`` is several segments, one right after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from contracts.transcript import Segment, Speaker, WordTiming
from transcripts.limits import LIMITS, check_item_count, collect_up_to
from transcripts.notices import Notices, Repair
from transcripts.segments.splitting import MAX_SEGMENT_CHARACTERS, TurnPart, split_turn
from transcripts.speakers.roles import UNNAMED, assign_roles
from transcripts.text import SURELY_VISIBLE, TextSpan, clean_text, has_visible_text, join_pieces

_LONGEST_LABEL = 200  # what contracts.transcript.SpeakerLabel takes
"""Characters of a speaker's label; what follows is cut."""

_LONGEST_PLACE_MS: Final = 60_000
"""Time between two turns within which one without times is placed; beyond, it is not known."""

_BLANK: Final = TextSpan(" ")
_VALIDATE_SEGMENT: Final = Segment.__pydantic_validator__.validate_python
"""What the constructor calls, in a third of its time."""

_Turn = tuple[str, str, tuple[WordTiming, ...]]  # speaker, text and word times


class SpokenPassage(NamedTuple):
    """Words of one speaker in one cue, line or paragraph of a file, with their times."""

    speaker: str
    pieces: tuple[TextSpan, ...]


@dataclass(frozen=True, slots=True)
class ParsedTranscript:
    """Passages of a parsed transcript file, in order, with the speakers' roles it states."""

    passages: Sequence[SpokenPassage]
    notes: Mapping[str, str] = field(default_factory=dict)
    rejected_labels: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    labels_seen_once: frozenset[str] = frozenset()


def normalize_label(name: str) -> str:
    """Clean and truncate a speaker's name for use as a label; never empty."""
    return clean_text(name)[:_LONGEST_LABEL].strip() or UNNAMED


def build_segments(
    source: ParsedTranscript,
    speakers: Sequence[Speaker],
    notices: Notices,
    max_characters: int = MAX_SEGMENT_CHARACTERS,
) -> tuple[Segment, ...]:
    """Merge consecutive passages of the same speaker into numbered segments.

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
    if len(pieces) > LIMITS.timed_words:
        check_item_count(sum(map(_is_word, pieces)), LIMITS.timed_words, "timed words")
    texts = [piece[0] for piece in pieces]
    # As the source has them: cleaning the text is what takes time.
    check_item_count(sum(map(len, texts)), LIMITS.characters, "characters of speech")
    notices.add(Repair.NULL_CHARACTER, "".join(texts).count("\0"))
    notes = {normalize_label(name): note for name, note in source.notes.items()}
    turns = collect_up_to(_turns(source.passages), LIMITS.turns, "turns")
    labels = dict.fromkeys(speaker for speaker, _, _ in turns)
    check_item_count(len(labels), LIMITS.speakers, "speakers")
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
            collect_up_to(_short(turns, max_characters, notices), LIMITS.turns, "turns"), start=1
        )
    ]
    return tuple(_placed(segments, notices))


def _is_word(piece: TextSpan) -> bool:
    """Return whether a piece is more than a blank or an untimed mark between two words."""
    text, start_ms, _ = piece
    return any(map(str.isalnum, text)) or (start_ms is not None and has_visible_text(text))


def _short(turns: Iterable[_Turn], most: int, notices: Notices) -> Iterator[tuple[str, TurnPart]]:
    for speaker, text, words in turns:
        if len(text) > most:
            notices.add(Repair.LONG_TURN, limit=most)
        for said in split_turn(text, words, most):
            yield speaker, said


def _placed(segments: Sequence[Segment], notices: Notices) -> Iterator[Segment]:
    """Give a turn without times those between its neighbours: after the one, before the other.

    Where these lie far apart, as where a time stands every five minutes, it stays without.
    """
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
        elif latest is None or next_start_ms is None or next_start_ms - latest > _LONGEST_PLACE_MS:
            yield segment
        else:
            notices.add(Repair.PLACED)
            end_ms = max(latest, next_start_ms)
            yield segment.model_copy(update={"start_ms": latest, "end_ms": end_ms})


def _turns(passages: Iterable[SpokenPassage]) -> Iterator[_Turn]:
    labels: dict[str, str] = {}  # cleaning one label for each of its passages takes long
    said: list[TextSpan] = []
    current = ""
    for speaker, pieces in passages:
        # The second character of most passages is a letter: ` Well.`, `Well.`.
        if not pieces or pieces[0][0][1:2] not in SURELY_VISIBLE:
            for piece in pieces:
                if has_visible_text(piece[0]):
                    break
            else:
                continue
        label = labels.get(speaker)
        if label is None:
            label = labels[speaker] = normalize_label(speaker)
        if label != current:
            if said:
                yield current, *join_pieces(said)
            said, current = [], label
        if pieces[0][0][:1] != " ":
            said.append(_BLANK)
        said += pieces
    if said:
        yield current, *join_pieces(said)
