"""Turns of a chunk as a claim is compared with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.events import ChunkReady
from contracts.transcript import Role, Segment
from grounding.evidence import QuotedPassage
from grounding.standing.names import unify_speaker_labels
from grounding.standing.speech import SpokenToken, tokenize_speech
from grounding.text.words import FUNCTION_WORDS

_ENGLISH_SHARE: Final = 0.25
"""Share of function words from which on a turn is English; English talk has about half."""
_TURNS_BEFORE: Final = 1
TURNS_BEHIND: Final = 4
"""Turns behind a cited one in which it may be taken back."""
SENTENCES_BEHIND: Final = 2
"""Sentences behind a cited one in which it may be taken back."""
_MAIN_SHARE: Final = 0.6
"""Share of the cited words from which on a speaker is the one whom a note means."""
_SHORT: Final = 20
"""Words of a turn up to which the turns around it tell its language."""
_MAX_WINDOW_SENTENCES: Final = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """Turn of a speaker in an interview chunk, with the character ranges that a note cites.

    Attributes:
        speaker: the number of its speaker's label.
        role: what the speaker is in the interview.
        may_be_participant: whether "the participant" or "she" can mean the speaker: nobody else is
            cited but interviewers, or others hardly.
        text: its text.
        speech: its tokens.
        cited: ranges of characters that the note cites; end exclusive.
        is_english: whether its words are English, so that the word lists apply.
        is_cut_off: whether what follows it is not in the chunk.
        is_answer: whether its beginning is a question and its answer, read as one sentence.
    """

    speaker: int
    role: Role
    may_be_participant: bool
    text: str
    speech: tuple[SpokenToken, ...]
    cited: tuple[tuple[int, int], ...]
    is_english: bool = True
    is_cut_off: bool = False
    is_answer: bool = False

    def is_cited(self, place: int) -> bool:
        """Return whether the note cites the token at a place."""
        token = self.speech[place].token
        return any(begin <= token.start and token.end <= end for begin, end in self.cited)

    def find_sentence(self, place: int) -> tuple[int, int]:
        """Return the first and the last place of the sentence of a token."""
        number = self.speech[place].token.sentence
        begin = end = place
        while begin and self.speech[begin - 1].token.sentence == number:
            begin -= 1
        while end + 1 < len(self.speech) and self.speech[end + 1].token.sentence == number:
            end += 1
        return begin, end

    def list_windows(self) -> list[range]:
        """Return the places of sentences that the note cites, at least in part.

        Each by itself, then each two and each three in a row.
        """
        starts = [
            at
            for at, one in enumerate(self.speech)
            if at == 0 or one.token.sentence != self.speech[at - 1].token.sentence
        ]
        starts.append(len(self.speech))
        windows = (
            range(starts[k], starts[k + length])
            for length in range(1, _MAX_WINDOW_SENTENCES + 1)
            for k in range(len(starts) - length)
        )
        return [one for one in windows if self._cites_part_of(one)]

    def _cites_part_of(self, window: range) -> bool:
        first, last = self.speech[window[0]].token, self.speech[window[-1]].token
        return any(first.start < end and begin < last.end for begin, end in self.cited)


def list_turns(
    chunk: ChunkReady, labels: Sequence[str], passages: Iterable[QuotedPassage]
) -> tuple[Turn, ...]:
    """Return the turns of an interview chunk that a note cites, and their neighbours, in order.

    Args:
        chunk: what the model was shown.
        labels: the speakers' labels.
        passages: the cited passages; each brings its turn as far as the chunk has it.
    """
    segments: dict[int, Segment] = {one.number: one for one in (*chunk.context, *chunk.segments)}
    cited: dict[int, list[tuple[int, int]]] = {}
    for passage in passages:
        segments[passage.segment.number] = passage.segment
        cited.setdefault(passage.segment.number, []).append((passage.start, passage.end))
    participants = _find_participants([segments[number] for number in cited])
    last = max(segments, default=0)
    near = range(min(cited, default=0) - _TURNS_BEFORE, max(cited, default=0) + TURNS_BEHIND + 1)
    goes_on = chunk.index < chunk.chunk_count
    speeches = {
        number: tokenize_speech(segment.text)
        for number, segment in segments.items()
        if number in near
    }
    is_english = _is_english([one for speech in speeches.values() for one in speech])
    names = unify_speaker_labels(tuple(labels))
    return tuple(
        Turn(
            speaker=names.index(names[labels.index(segment.speaker)]),
            role=segment.role,
            may_be_participant=segment.speaker in participants,
            text=segment.text,
            speech=(speech := speeches[number]),
            is_english=is_english if len(speech) <= _SHORT else _is_english(speech),
            cited=tuple(cited.get(number, ())),
            is_cut_off=goes_on and number == last,
        )
        for number, segment in sorted(segments.items())
        if number in near
    )


def _is_english(speech: Sequence[SpokenToken]) -> bool:
    known = sum(one.text in FUNCTION_WORDS for one in speech)
    return known >= _ENGLISH_SHARE * len(speech)


def _find_participants(cited: Iterable[Segment]) -> frozenset[str]:
    """Return the labels of whom a note that cites some turns may call the participant."""
    words: Counter[str] = Counter()
    for one in cited:
        if one.role is not Role.INTERVIEWER:
            words[one.speaker] += len(one.text.split())
    return frozenset(
        speaker for speaker, count in words.items() if count >= _MAIN_SHARE * words.total()
    )


def split_sentences(speech: Sequence[SpokenToken], limit: int) -> Iterator[Sequence[SpokenToken]]:
    """Split spoken tokens into sentences; yield at most ``limit`` sentences."""
    begin = count = 0
    for at in range(1, len(speech) + 1):
        is_end = at == len(speech) or speech[at].token.sentence != speech[begin].token.sentence
        if is_end and count < limit:
            yield speech[begin:at]
            begin, count = at, count + 1
