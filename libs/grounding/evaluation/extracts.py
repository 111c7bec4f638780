"""True notes: sentences of a transcript as they were said, tidied as a careful writer would."""

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

THEME: Final = Theme(id="told", name="What was told")
_STUDY: Final = Study(study_id="evaluation", name="Evaluation", themes=(THEME,))
_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|$)", re.DOTALL)
_FEWEST_SAID: Final = 5
_FEWEST_TOLD: Final = 5
_MOST_TOLD: Final = 60
_FIRST, _LAST = 5, 4
_TIDIED: Final = (
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
class Extract:
    """A true note, who said it, and the sentence as it was said."""

    draft: DraftNote
    segment: Segment
    said: str


def whole(title: str, segments: Sequence[Segment]) -> ChunkReady:
    """A whole transcript as one chunk."""
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


def extracts(chunk: ChunkReady, *, asked: bool = False) -> Iterator[Extract]:
    """One note a sentence of five words or more that is no question.

    Args:
        chunk: a transcript.
        asked: of the interviewers' sentences, in place of everybody else's.
    """
    for segment in chunk.segments:
        if (segment.role is Role.INTERVIEWER) is not asked:
            continue
        for match in _SENTENCE.finditer(segment.text):
            said = match.group()
            spoken = [one for one in said.split() if re.search(r"\w", one)]
            statement = tidied(said)
            told = len(statement.split())
            if len(spoken) < _FEWEST_SAID or not _FEWEST_TOLD <= told < _MOST_TOLD:
                continue
            if "?" in statement:
                continue
            cited = DraftEvidence(
                segment=segment.number,
                first_words=" ".join(spoken[:_FIRST]),
                last_words=" ".join(spoken[-_LAST:]),
            )
            draft = DraftNote(statement=statement, evidence=(cited,), themes=(THEME.id,))
            yield Extract(draft, segment, said)


def tidied(sentence: str) -> str:
    """A sentence without hesitations, fillers, false starts and repetitions."""
    for pattern, replacement in _TIDIED:
        sentence = pattern.sub(replacement, sentence)
    return sentence.strip(" ,-")
