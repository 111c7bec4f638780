"""What people read through control's API: studies, notes, coverage, explanations, costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.access import Role
from contracts.events import TranscriptSettled
from contracts.pages import MAX_MATRIX_PAGE
from onrecord.control_client import ControlClient
from onrecord.control_transport import NoSuchThingError, Params
from onrecord.errors import UsageError
from read_model.coverage import StudyCoverage
from read_model.disagreements import DisagreementReport
from read_model.explanation import NoteExplanation
from read_model.matrix import MatrixInterview, MatrixTopic, MatrixTopicKind
from read_model.notes import NoteCounts, RefusedNote, StoredNote
from read_model.queries import StudySummary, StudyWithInterviewCount
from read_model.reading_reports import TranscriptReadingReport
from read_model.search import SearchResult
from read_model.transcripts import TranscriptSegment, TranscriptSummary
from read_model.turn_coverage import CoveredTurn, TurnCount

PAGE: Final = 500
"""Entries of one request."""

SEARCH_PAGE: Final = 100
"""Results of one request."""

SEGMENT_PAGE: Final = 200
"""Segments of one request."""


@dataclass(frozen=True)
class _StudyPage:
    studies: list[StudySummary]
    next: str | None


@dataclass(frozen=True)
class _TranscriptPage:
    transcripts: list[TranscriptSummary]
    next: str | None


@dataclass(frozen=True)
class InterviewDetails:
    """Interview with the outcomes of its submissions.

    Attributes:
        transcript: its current revision.
        outcomes: the latest revision first.
    """

    transcript: TranscriptSummary
    outcomes: list[TranscriptSettled]


@dataclass(frozen=True)
class _NotePage:
    notes: list[StoredNote]
    next: str | None


@dataclass(frozen=True)
class _RefusedNotePage:
    notes: list[RefusedNote]
    next: str | None


@dataclass(frozen=True)
class SegmentPage:
    """Page of an interview's segments.

    Attributes:
        segments: in order.
        next: ``cursor`` of the next page; None if there is none.
        at: number of the segment at the time that was asked for; None on later pages.
    """

    segments: list[TranscriptSegment]
    next: str | None
    at: int | None = None


@dataclass(frozen=True)
class _SpeakerPage:
    speakers: list[str]
    next: str | None


@dataclass(frozen=True)
class TurnCoveragePage:
    """Page of an interview's turns with what became of them.

    Attributes:
        counts: numbers of all turns, by status and role.
        turns: in order.
        next: ``cursor`` of the next page; None if there is none.
    """

    counts: list[TurnCount]
    turns: list[CoveredTurn]
    next: str | None


@dataclass(frozen=True)
class MatrixPage:
    """Page of a study's matrix.

    Attributes:
        topics: all of the study, in its order.
        interviews: by title, with their notes by topic.
        next: ``cursor`` of the next page; None if there is none.
    """

    topics: list[MatrixTopic]
    interviews: list[MatrixInterview]
    next: str | None


@dataclass(frozen=True)
class SearchResultPage:
    """Page of search results.

    Attributes:
        results: the best first.
        next: ``cursor`` of the next page; None if there is none.
        not_compared: texts that a search by meaning does not find yet; on its first page only.
    """

    results: list[SearchResult]
    next: str | None
    not_compared: int | None = None


class ReadingClient:
    """Client of the control service's HTTP API for studies, notes, coverage and search.

    Lists are followed from page to page, one page in memory at a time. Methods raise as those of
    ``ControlClient``.

    Args:
        control: an open client.
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    async def studies(self) -> list[StudySummary]:
        """Return the studies that the token may read, by id.

        Raises:
            UsageError: its roles let it read none, whatever studies there are.
        """
        pages = self._control.pages("/v1/studies", _StudyPage)
        found = [one async for page in pages for one in page.studies]
        if not found:  # it is a finding only if it is not a matter of rights
            grants = (await self._control.who_am_i()).grants
            if all(one.role is Role.OPERATOR for one in grants):
                raise UsageError(
                    "this takes the role reader, evidence_reader, researcher or admin in a study: "
                    "an operator reads no notes"
                )
        return found

    async def study(self, study_id: str) -> StudyWithInterviewCount:
        """Return a study's themes, questions and policies."""
        return await self._control.get(f"/v1/studies/{study_id}", StudyWithInterviewCount)

    async def coverage(self, study_id: str) -> StudyCoverage:
        """Return which questions and themes of a study its interviews address."""
        return await self._control.get(f"/v1/studies/{study_id}/coverage", StudyCoverage)

    async def matrix_pages(
        self, study_id: str, by: MatrixTopicKind, *, most: int | None = None
    ) -> AsyncIterator[MatrixPage]:
        """Yield a study's interviews with their notes by topic, a page at a time.

        Args:
            study_id: the study.
            by: whether topics are themes or questions.
            most: how many interviews will be read at most; None: all.
        """
        path = f"/v1/studies/{study_id}/matrix"
        left = most
        which: Params = {"by": by.value}
        async for page in self._control.pages(path, MatrixPage, which, limit=MAX_MATRIX_PAGE):
            yield page
            if left is not None:
                left -= len(page.interviews)
                if left <= 0:
                    return

    async def transcripts(
        self, study_id: str, *, most: int | None = None
    ) -> AsyncIterator[TranscriptSummary]:
        """Yield a study's interviews, by title.

        Args:
            study_id: the study.
            most: how many will be read at most; None: all.
        """
        path = f"/v1/studies/{study_id}/transcripts"
        async for page in self._control.pages(path, _TranscriptPage, limit=PAGE, most=most):
            for one in page.transcripts:
                yield one

    async def transcript(self, transcript_id: UUID) -> InterviewDetails:
        """Return an interview with what became of its submissions."""
        return await self._control.get(f"/v1/transcripts/{transcript_id}", InterviewDetails)

    async def reading_report(
        self, transcript_id: UUID, which: Params
    ) -> TranscriptReadingReport | None:
        """Return the report on how an interview was read; None if none was kept.

        Args:
            transcript_id: the interview.
            which: the endpoint's ``revision`` and ``exact``; None leaves one out.
        """
        path = f"/v1/transcripts/{transcript_id}/reading-report"
        try:
            return await self._control.get(path, TranscriptReadingReport, which)
        except NoSuchThingError:
            return None

    async def segments(
        self, transcript_id: UUID, which: Params
    ) -> AsyncIterator[TranscriptSegment]:
        """Yield what was said in an interview, in order.

        Args:
            transcript_id: the interview.
            which: the endpoint's parameters but for those of pages; None leaves one out.
        """
        async for page in self.segment_pages(transcript_id, which):
            for one in page.segments:
                yield one

    def segment_pages(
        self, transcript_id: UUID, which: Params, *, most: int | None = None
    ) -> AsyncIterator[SegmentPage]:
        """Yield what was said in an interview by page; arguments as for ``segments``."""
        path = f"/v1/transcripts/{transcript_id}/segments"
        return self._control.pages(path, SegmentPage, which, limit=SEGMENT_PAGE, most=most)

    def turn_coverage_pages(
        self, transcript_id: UUID, which: Params
    ) -> AsyncIterator[TurnCoveragePage]:
        """Yield an interview's turns with what became of them, a page at a time.

        Args:
            transcript_id: the interview.
            which: the endpoint's parameters but for those of pages; None leaves one out.
        """
        path = f"/v1/transcripts/{transcript_id}/coverage"
        return self._control.pages(path, TurnCoveragePage, which, limit=SEGMENT_PAGE)

    async def note_counts(self, study_id: str, which: Params) -> NoteCounts:
        """Return how many notes of a study match.

        Args:
            study_id: the study.
            which: what the endpoint narrows by; None does not.
        """
        return await self._control.get(f"/v1/studies/{study_id}/notes/counts", NoteCounts, which)

    async def notes(
        self, study_id: str, which: Params, *, most: int | None = None
    ) -> AsyncIterator[StoredNote]:
        """Yield a study's notes that match, by interview and in the order of the talk.

        Args:
            study_id: the study.
            which: what the endpoint narrows by; None does not.
            most: how many will be read at most; None: all.
        """
        path = f"/v1/studies/{study_id}/notes"
        async for page in self._control.pages(path, _NotePage, which, limit=PAGE, most=most):
            for one in page.notes:
                yield one

    async def disagreements(self, study_id: str, which: Params) -> DisagreementReport:
        """Return notes of a study's question or theme that oppose each other.

        Args:
            study_id: the study.
            which: the endpoint's query; None leaves a parameter out.
        """
        path = f"/v1/studies/{study_id}/disagreements"
        return await self._control.get(path, DisagreementReport, which)

    async def rejected_notes(
        self, study_id: str, which: Params, *, most: int | None = None
    ) -> AsyncIterator[RefusedNote]:
        """Yield a study's refused notes that match; arguments as for ``notes``."""
        path = f"/v1/studies/{study_id}/notes/rejected"
        async for page in self._control.pages(path, _RefusedNotePage, which, limit=PAGE, most=most):
            for one in page.notes:
                yield one

    async def speakers(self, study_id: str, which: Params) -> list[str]:
        """Return who speaks in a study's interviews."""
        pages = self._control.pages(f"/v1/studies/{study_id}/speakers", _SpeakerPage, which)
        return [one async for page in pages for one in page.speakers]

    async def search(self, which: Params, *, most: int) -> AsyncIterator[SearchResultPage]:
        """Yield pages of texts that have some words, or are like a sentence, the best first.

        Args:
            which: the endpoint's query; None leaves a parameter out.
            most: how many will be read at most.
        """
        async for page in self._control.pages(
            "/v1/search", SearchResultPage, which, limit=SEARCH_PAGE, most=most
        ):
            yield page

    async def explanation(self, digits: str) -> NoteExplanation:
        """Return why the note whose id begins with some digits was accepted or refused."""
        return await self._control.get(f"/v1/notes/{digits}/explanation", NoteExplanation)


def choose_study(asked: str | None, studies: Sequence[StudySummary]) -> str:
    """Return the id of the study to read: the named one, or the only one that exists.

    Args:
        asked: its id, if it was named.
        studies: those that may be read.

    Raises:
        UsageError: there is none of this id, or there are several.
    """
    known = [one.study_id for one in studies]
    if asked in known:
        return asked
    there = "; ".join(known) or "none yet"
    if asked is not None:
        raise UsageError(f"there is no study {asked!r}; known: {there}")
    read = [one.study_id for one in studies if one.interviews]
    if len(read) != 1:
        raise UsageError(f"name a study with --study; known: {there}")
    return read[0]
