"""Make true notes of a transcript: its sentences, cleaned as a careful writer would clean them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment

THEME: Final = Theme(id="statement", name="A statement")
_STUDY: Final = Study(study_id="evaluation", name="Evaluation", themes=(THEME,))
_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|$)", re.DOTALL)
_MIN_SPOKEN_WORDS: Final = 5
_MIN_WORDS: Final = 5
_MAX_WORDS: Final = 60
_FIRST_WORDS, _LAST_WORDS = 5, 4
_CLEANUPS: Final = (
    (re.compile(r"\[[^\]]*\]|\((?:laughs|laughing|censored|beep)\)|<[^>]*>"), " "),
    (re.compile(r"\b(?:uh|um|er|hm|mm)\b[,.…]*\s*", re.IGNORECASE), ""),
    (re.compile(r"(?:,\s*)?\b(?:you know|i mean)\b,?\s*", re.IGNORECASE), " "),
    (re.compile(r"\b\w{1,3}-[,.…]*\s+(?=\w)"), ""),
    (
        re.compile(r"\b(\w+(?:'\w+)?(?:\s+\w+(?:'\w+)?){0,2})(?:[-,.…]*\s+\1\b)+", re.IGNORECASE),
        r"\1",
    ),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class TrueNote:
    """A drafted note that is true, the segment it is from, and its sentence as it was spoken."""

    draft: DraftNote
    segment: Segment
    sentence: str


def build_chunk(title: str, segments: Sequence[Segment]) -> ChunkReady:
    """Return a whole transcript as one chunk."""
    return ChunkReady(
        chunk_id=UUID(int=1),
        transcript_id=UUID(int=2),
        revision=1,
        index=1,
        chunk_count=1,
        title=title,
        study=_STUDY,
        segments=tuple(segments),
    )


def iter_true_notes(chunk: ChunkReady, *, by_interviewer: bool = False) -> Iterator[TrueNote]:
    """Yield a note for each sentence of five words or more that is no question.

    Args:
        chunk: a transcript.
        by_interviewer: of the interviewers' sentences, in place of everybody else's.
    """
    for segment in chunk.segments:
        if (segment.role is Role.INTERVIEWER) is not by_interviewer:
            continue
        for match in _SENTENCE.finditer(segment.text):
            sentence = match.group()
            spoken = [one for one in sentence.split() if re.search(r"\w", one)]
            statement = clean_sentence(sentence)
            length = len(statement.split())
            if len(spoken) < _MIN_SPOKEN_WORDS or not _MIN_WORDS <= length < _MAX_WORDS:
                continue
            if "?" in statement:
                continue
            cited = DraftEvidence(
                segment=segment.number,
                first_words=" ".join(spoken[:_FIRST_WORDS]),
                last_words=" ".join(spoken[-_LAST_WORDS:]),
            )
            draft = DraftNote(statement=statement, evidence=(cited,), themes=(THEME.id,))
            yield TrueNote(draft, segment, sentence)


def clean_sentence(sentence: str) -> str:
    """Return a sentence without hesitations, fillers, false starts and repetitions."""
    for pattern, replacement in _CLEANUPS:
        sentence = pattern.sub(replacement, sentence)
    return sentence.strip(" ,-")
