"""Compare turns that were read with turns that are known, word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import reduce
from operator import add
from typing import Any, Final

from contracts.transcript import Segment

TOLERANCE_MS: Final = 20
"""How far a turn's start may be from the known one and be right."""
_SAME_START_MS: Final = 1_000
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class KnownTurn:
    """A turn as its source has it; ``speaker`` is empty if the source names nobody."""

    speaker: str
    text: str
    start_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ReaderScore:
    """Counts of what is right in files whose turns are known.

    Attributes:
        words: of the known turns.
        kept: of these, those that were read, in their order.
        named: words whose speaker the source names.
        speaker_right: of these, those that were kept with that speaker.
        timed: known turns with a start.
        start_right: of these, those that were read with that start (``TOLERANCE_MS``).
    """

    words: int = 0
    kept: int = 0
    named: int = 0
    speaker_right: int = 0
    timed: int = 0
    start_right: int = 0

    def __add__(self, other: ReaderScore) -> ReaderScore:
        return ReaderScore(*(getattr(self, one) + getattr(other, one) for one in self.__slots__))

    def compute_shares(self) -> dict[str, float]:
        """Return the shares, from 0 to 1, by name; a share of nothing is left out."""
        parts = {
            "words kept": (self.kept, self.words),
            "right speaker": (self.speaker_right, self.named),
            "right start": (self.start_right, self.timed),
        }
        return {name: part / whole for name, (part, whole) in parts.items() if whole}


@dataclass(frozen=True, slots=True)
class TranscriptAgreement:
    """How alike two transcripts of one talk are, each as a share from 0 to 1.

    Attributes:
        words: twice the words in common, over all.
        speakers: of the words in common, those of the same speaker, labels paired by their words.
        starts: of the timed words in common, those that begin within a second of each other.
    """

    words: float
    speakers: float
    starts: float


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    speaker: str
    turn: int
    start_ms: int | None = None


def sum_scores(scores: Iterable[ReaderScore]) -> ReaderScore:
    """Add scores up."""
    return reduce(add, scores, ReaderScore())


def list_turns(segments: Sequence[Segment]) -> list[KnownTurn]:
    """Return segments as turns to compare."""
    return [KnownTurn(one.speaker, one.text, one.start_ms) for one in segments]


def normalize_speaker(label: str) -> str:
    """Return what the labels of one speaker have in common, without case and punctuation."""
    bare = re.sub(r"[^\w]+", " ", label.casefold()).strip()
    return re.sub(r"^(speaker|spk) ", "speaker ", bare)


def merge_turns(turns: Iterable[KnownTurn]) -> list[KnownTurn]:
    """Return turns with those of one speaker that follow each other joined into one."""
    made: list[KnownTurn] = []
    for turn in turns:
        said = " ".join(turn.text.split())
        if made and normalize_speaker(made[-1].speaker) == normalize_speaker(turn.speaker):
            made[-1] = KnownTurn(made[-1].speaker, f"{made[-1].text} {said}", made[-1].start_ms)
        else:
            made.append(KnownTurn(turn.speaker, said, turn.start_ms))
    return made


def matches_known_turns(known: Iterable[KnownTurn], read: Iterable[KnownTurn]) -> bool:
    """Whether turns were read exactly as they are known: speakers, texts, starts where known."""
    wanted, found = merge_turns(known), merge_turns(read)
    return len(wanted) == len(found) and all(
        normalize_speaker(one.speaker) == normalize_speaker(other.speaker)
        and one.text == other.text
        and _is_right_start(one.start_ms, other.start_ms)
        for one, other in zip(wanted, found, strict=True)
    )


def _is_right_start(known_ms: int | None, read_ms: int | None) -> bool:
    if known_ms is None:
        return True
    return read_ms is not None and abs(known_ms - read_ms) <= TOLERANCE_MS


def score_turns(known: Sequence[KnownTurn], read: Sequence[KnownTurn]) -> ReaderScore:
    """Count what is right in turns that were read; only words in their order count as kept."""
    wanted, found = merge_turns(known), merge_turns(read)
    left, right = _list_words(wanted), _list_words(found)
    place = dict(_find_common([one.text for one in left], [one.text for one in right]))
    named = [position for position, one in enumerate(left) if one.speaker]
    firsts = {one.turn: position for position, one in reversed(list(enumerate(left)))}
    found_firsts = {one.turn: position for position, one in reversed(list(enumerate(right)))}
    timed = [turn for turn, _ in firsts.items() if wanted[turn].start_ms is not None]
    return ReaderScore(
        words=len(left),
        kept=len(place),
        named=len(named),
        speaker_right=sum(
            position in place and right[place[position]].speaker == left[position].speaker
            for position in named
        ),
        timed=len(timed),
        start_right=sum(
            (at := place.get(firsts[turn])) is not None
            and found_firsts[right[at].turn] == at
            and _is_right_start(wanted[turn].start_ms, found[right[at].turn].start_ms)
            for turn in timed
        ),
    )


def compare_transcripts(left: Sequence[Segment], right: Sequence[Segment]) -> TranscriptAgreement:
    """Compare two transcripts of one talk, of which neither is known to be right."""
    ours, theirs = _list_list_timed_words(left), _list_list_timed_words(right)
    common = [
        (ours[one], theirs[other])
        for one, other in _find_common([one.text for one in ours], [one.text for one in theirs])
    ]
    if not common:
        return TranscriptAgreement(0, 0, 0)
    pairs = Counter((one.speaker, other.speaker) for one, other in common)
    same = sum(pairs[pair] for pair in _pair_labels(pairs).items())
    apart = [
        abs(one.start_ms - other.start_ms)
        for one, other in common
        if one.start_ms is not None and other.start_ms is not None
    ]
    return TranscriptAgreement(
        2 * len(common) / (len(ours) + len(theirs)),
        same / len(common),
        sum(one <= _SAME_START_MS for one in apart) / len(apart) if apart else 0,
    )


def _pair_labels(pairs: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """Pair one transcript's labels with the other's, those with the most common words first."""
    made: dict[str, str] = {}
    for one, other in sorted(pairs, key=lambda pair: -pairs[pair]):
        if one not in made and other not in made.values():
            made[one] = other
    return made


def _list_words(turns: Sequence[KnownTurn]) -> list[_Word]:
    return [
        _Word(word, normalize_speaker(turn.speaker), number)
        for number, turn in enumerate(turns)
        for word in _WORD.findall(turn.text.casefold())
    ]


def _list_list_timed_words(segments: Sequence[Segment]) -> list[_Word]:
    made: list[_Word] = []
    for segment in segments:
        starts = {word.offset: word.start_ms for word in segment.words}
        text = segment.text.lower().replace("\u2019", "'")
        made += [
            _Word(match[0], segment.speaker, segment.number, starts.get(match.start()))
            for match in _WORD.finditer(text)
        ]
    return made


def _find_common(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[int, int]]:
    """Return pairs of indices of what two sequences have in common, in order."""
    begin = 0
    least = min(len(left), len(right))
    while begin < least and left[begin] == right[begin]:
        begin += 1
    matcher = SequenceMatcher(None, left[begin:], right[begin:], autojunk=False)
    return [
        *((at, at) for at in range(begin)),
        *(
            (begin + block.a + at, begin + block.b + at)
            for block in matcher.get_matching_blocks()
            for at in range(block.size)
        ),
    ]
