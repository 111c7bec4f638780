"""What a study's interviews say about each question and theme: answered, not addressed, unknown.

“Not addressed” is a finding, so it is said only with proof: every chunk of every interview was
read with this very question in hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from contracts.study import Study


class Finding(StrEnum):
    """What is known about a question or a theme."""

    ANSWERED = "answered"
    NOT_ADDRESSED = "not_addressed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Interview:
    """How far one interview is read, in chunks, and the study it was submitted with."""

    transcript_id: UUID
    title: str
    study: Study
    stored: int
    dead: int
    waiting: int


@dataclass(frozen=True, slots=True)
class NoteCount:
    """Notes about one theme or question, and the interviews they are from."""

    kind: str
    id: str
    notes: int
    interviews: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Topic:
    """What is known about one question or theme.

    Attributes:
        kind: ``question`` or ``theme``.
        id: its id.
        text: the question, or the theme's name.
        finding: what is known.
        notes: how many notes there are.
        interviews: in how many interviews.
        read: chunks that were read for it.
        dead: chunks that were set aside.
        waiting: chunks that are still on their way.
        not_asked: chunks of interviews that were submitted before the study had it.
    """

    kind: str
    id: str
    text: str
    finding: Finding
    notes: int
    interviews: int
    read: int
    dead: int
    waiting: int
    not_asked: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """A study's questions and themes, and what may still change the picture.

    Attributes:
        study_id: the study.
        name: what people call it.
        interviews: how many there are.
        questions: in the study's order.
        themes: in the study's order.
        unread_submissions: submissions, of whatever study, that have not become an interview.
    """

    study_id: str
    name: str
    interviews: int
    questions: tuple[Topic, ...]
    themes: tuple[Topic, ...]
    unread_submissions: int


def coverage(
    study: Study,
    interviews: Sequence[Interview],
    counts: Iterable[NoteCount],
    unread_submissions: int = 0,
) -> Coverage:
    """Draw the conclusions.

    Args:
        study: its questions and themes.
        interviews: all its current interviews.
        counts: notes by question and theme; without notes there is no entry.
        unread_submissions: taken along for people to see.
    """
    noted = {(count.kind, count.id): count for count in counts}

    def topic(kind: str, identifier: str, text: str) -> Topic:
        asked = [one for one in interviews if identifier in _asked(one.study, kind)]
        none = NoteCount(kind, identifier, 0, frozenset())
        return _topic(text, asked, interviews, noted.get((kind, identifier), none))

    return Coverage(
        study_id=study.study_id,
        name=study.name,
        interviews=len(interviews),
        questions=tuple(topic("question", one.id, one.text) for one in study.questions),
        themes=tuple(topic("theme", one.id, one.name) for one in study.themes),
        unread_submissions=unread_submissions,
    )


def _topic(
    text: str, asked: Sequence[Interview], interviews: Sequence[Interview], noted: NoteCount
) -> Topic:
    total = sum(one.stored + one.dead + one.waiting for one in interviews)
    read = sum(one.stored for one in asked)
    dead = sum(one.dead for one in asked)
    waiting = sum(one.waiting for one in asked)
    if noted.notes:
        finding = Finding.ANSWERED
    else:
        finding = Finding.NOT_ADDRESSED if read == total else Finding.UNKNOWN
    return Topic(
        kind=noted.kind,
        id=noted.id,
        text=text,
        finding=finding,
        notes=noted.notes,
        interviews=len(noted.interviews),
        read=read,
        dead=dead,
        waiting=waiting,
        not_asked=total - read - dead - waiting,
    )


def _asked(study: Study, kind: str) -> set[str]:
    return {one.id for one in (study.questions if kind == "question" else study.themes)}
