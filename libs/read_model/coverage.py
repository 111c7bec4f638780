"""Computes for each question and theme whether it is answered, not addressed, or unknown.

“Not addressed” is a finding, so it is said only with proof: every chunk of every interview was
read with this very question in hand, and no earlier version of one answered it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from contracts.study import Study


class CoverageStatus(StrEnum):
    """Coverage of a research question or theme: answered, not addressed or unknown."""

    ANSWERED = "answered"
    ANSWERED_EARLIER = "answered_earlier"
    NOT_ADDRESSED = "not_addressed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class InterviewProgress:
    """Progress of one interview: how many of its chunks have notes, and its study.

    Where ``has_expired``, their time is over: chunks were read, and what of them was noted is gone.
    """

    transcript_id: UUID
    title: str
    study: Study
    stored: int
    dead: int
    waiting: int
    discarded: int = 0
    has_expired: bool = False

    @property
    def chunks(self) -> int:
        """How many it has."""
        return self.stored + self.dead + self.discarded + self.waiting


@dataclass(frozen=True, slots=True)
class PendingSubmissionCount:
    """Number of submissions of all studies that are not yet parsed.

    Attributes:
        interviews: those whose interview is known.
        unreadable: records that are no interview.
    """

    interviews: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class NoteCount:
    """Number of notes on one theme or question, with the interviews they come from."""

    kind: str
    id: str
    notes: int
    interviews: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class QuestionCoverage:
    """Coverage of one research question or theme: its status, notes and interviews.

    Attributes:
        kind: ``question`` or ``theme``.
        id: its id.
        text: the question, or the theme's name.
        finding: what is known.
        notes: how many notes there are.
        interviews: in how many interviews.
        earlier_notes: how many notes about it earlier revisions of the interviews have.
        earlier_interviews: in how many interviews.
        read: chunks that were read for it.
        dead: chunks that were set aside, and wait for an operator.
        discarded: chunks that were set aside and given up.
        waiting: chunks that are still on their way.
        not_asked: chunks of interviews that were submitted with a study that does not have it.
        expired: chunks that were read and whose notes are gone, as the study keeps them for a time.
    """

    kind: str
    id: str
    text: str
    finding: CoverageStatus
    notes: int
    interviews: int
    earlier_notes: int
    earlier_interviews: int
    read: int
    dead: int
    discarded: int
    waiting: int
    not_asked: int
    expired: int = 0


@dataclass(frozen=True, slots=True)
class StudyCoverage:
    """Coverage of a study: which questions and themes are answered, and what is pending.

    Attributes:
        study_id: the study.
        name: what people call it.
        interviews: how many there are.
        questions: in the study's order.
        themes: in the study's order.
        unread_submissions: submissions, of whatever study, that have not become an interview; None:
            unknown, so that what is not addressed may be addressed in one of them.
        unreadable_submissions: records on the topic of submissions that are no interview; None:
            unknown.
    """

    study_id: str
    name: str
    interviews: int
    questions: tuple[QuestionCoverage, ...]
    themes: tuple[QuestionCoverage, ...]
    unread_submissions: int | None
    unreadable_submissions: int | None = 0


def compute_coverage(
    study: Study,
    interviews: Sequence[InterviewProgress],
    counts: Iterable[NoteCount],
    earlier: Iterable[NoteCount] = (),
    unread: PendingSubmissionCount | None = PendingSubmissionCount(),
) -> StudyCoverage:
    """Compute which questions and themes of a study are answered, from counts of its notes.

    Args:
        study: its questions and themes.
        interviews: all its current interviews.
        counts: notes by question and theme; without notes there is no entry.
        earlier: the same of revisions that are not current any more.
        unread: taken along for people to see; None: unknown.
    """
    noted = {(count.kind, count.id): count for count in counts}
    noted_earlier = {(count.kind, count.id): count for count in earlier}

    def topic(kind: str, identifier: str, text: str) -> QuestionCoverage:
        asked = [one for one in interviews if identifier in _topic_ids(one.study, kind)]
        none = NoteCount(kind, identifier, 0, frozenset())
        before = noted_earlier.get((kind, identifier), none)
        return _topic(text, asked, interviews, noted.get((kind, identifier), none), before)

    return StudyCoverage(
        study_id=study.study_id,
        name=study.name,
        interviews=len(interviews),
        questions=tuple(topic("question", one.id, one.text) for one in study.questions),
        themes=tuple(topic("theme", one.id, one.name) for one in study.themes),
        unread_submissions=None if unread is None else unread.interviews,
        unreadable_submissions=None if unread is None else unread.unreadable,
    )


def _topic(
    text: str,
    asked: Sequence[InterviewProgress],
    interviews: Sequence[InterviewProgress],
    noted: NoteCount,
    earlier: NoteCount,
) -> QuestionCoverage:
    total = sum(one.chunks for one in interviews)
    read = sum(one.stored for one in asked)
    expired = sum(one.stored for one in asked if one.has_expired)
    # Without an interview nothing proves that a question is not addressed; nor does one whose notes
    # are gone.
    is_all_read = bool(interviews) and read == total and not expired
    return QuestionCoverage(
        kind=noted.kind,
        id=noted.id,
        text=text,
        finding=_finding(noted, earlier, is_all_read=is_all_read),
        notes=noted.notes,
        interviews=len(noted.interviews),
        earlier_notes=earlier.notes,
        earlier_interviews=len(earlier.interviews),
        read=read,
        dead=sum(one.dead for one in asked),
        discarded=sum(one.discarded for one in asked),
        waiting=sum(one.waiting for one in asked),
        not_asked=total - sum(one.chunks for one in asked),
        expired=expired,
    )


def _finding(noted: NoteCount, earlier: NoteCount, *, is_all_read: bool) -> CoverageStatus:
    if noted.notes:
        return CoverageStatus.ANSWERED
    if not is_all_read:
        return CoverageStatus.UNKNOWN
    return CoverageStatus.ANSWERED_EARLIER if earlier.notes else CoverageStatus.NOT_ADDRESSED


def _topic_ids(study: Study, kind: str) -> set[str]:
    return {one.id for one in (study.questions if kind == "question" else study.themes)}
