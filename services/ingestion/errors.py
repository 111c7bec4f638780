"""Why a submission is not admitted, or its content not taken from where it is.

    BadMessageError (contracts.errors)
    ├── TranscriptOwnedByOtherError             its transcript belongs to another study or producer
    ├── MalformedContentError     it is not what `content_form` says
    ├── ContentRefusedError       its URI may not be fetched, or the server refuses it for good
    │   └── UriNotAllowedError        nothing may be fetched from there
    └── ContentNotFoundError      there is nothing at its URI
    ParkedError
    ├── UnknownStudyError         its study is not registered yet
    ├── StudyArchivedError        its study takes no more interviews
    ├── ProducerNotAllowedError   its study does not take this producer's
    └── RevisionGapError          it does not follow the interview's revision before
        └── RevisionCorrectedError    its number is that of a correction by people
    RetryableError
    └── ContentUnavailableError   it could not be fetched now
    HandlerTimedOutError
    └── ContentTimedOutError      it was not there in time

Messages name the field and never the URI, which may carry a signature; nor whose a transcript is.
"""

from __future__ import annotations

from uuid import UUID

from contracts.errors import (
    BadMessageError,
    ErrorCode,
    HandlerTimedOutError,
    ParkedError,
    RetryableError,
)


class TranscriptOwnedByOtherError(BadMessageError):
    """Raised when a transcript belongs to another study or producer, the first to submit it."""

    code = ErrorCode.NOT_YOURS

    def __init__(self, transcript_id: UUID) -> None:
        super().__init__(
            f"transcript {transcript_id} belongs to another study or producer, which submitted it "
            "first: submit this interview under an id of its own"
        )


class UnknownStudyError(ParkedError):
    """Raised when a submission's study is not registered; a later replay may succeed."""

    code = ErrorCode.UNKNOWN_STUDY

    def __init__(self, study_id: str) -> None:
        super().__init__(
            f"the study {study_id} is not registered: `onrecord study create` does it; then replay "
            "this letter"
        )


class StudyArchivedError(ParkedError):
    """Raised when a submission's study is archived; a later replay may succeed."""

    code = ErrorCode.STUDY_ARCHIVED

    def __init__(self, study_id: str) -> None:
        super().__init__(
            f"the study {study_id} is archived and takes no interviews: `onrecord study archive "
            "--undo` reopens it; then replay this letter"
        )


class ProducerNotAllowedError(ParkedError):
    """Raised when a submission's producer is not on its study's list of producers."""

    code = ErrorCode.PRODUCER_NOT_ALLOWED

    def __init__(self, study_id: str) -> None:
        super().__init__(
            f"the study {study_id} takes no submissions of this producer: `onrecord study edit` "
            "adds one; then replay this letter"
        )


class RevisionGapError(ParkedError):
    """Raised when a revision arrives before the one it follows; a later replay may succeed."""

    code = ErrorCode.REVISION_GAP

    def __init__(self, transcript_id: UUID, revision: int, highest: int) -> None:
        super().__init__(
            f"revision {revision} of transcript {transcript_id} does not follow revision "
            f"{highest}: submit it as revision {highest + 1}, or with `supersedes: {highest}`"
        )


class RevisionCorrectedError(RevisionGapError):
    """Raised when a submission has the revision of a correction that was made through the API."""

    def __init__(self, transcript_id: UUID, revision: int, highest: int) -> None:
        super().__init__(transcript_id, revision, highest)
        why = (
            f"revision {revision} of transcript {transcript_id} is a correction by people "
            "(`onrecord transcript fix`): submit what is newer as revision "
            f"{highest + 1}, with the correction in it"
        )
        self.args = (why,)


class RevisionWithdrawnError(ParkedError):
    """Raised when a submitted revision was withdrawn by an operator."""

    code = ErrorCode.REVISION_WITHDRAWN

    def __init__(self, transcript_id: UUID, revision: int, highest: int | None = None) -> None:
        instead = (
            "ask the interview again (`onrecord study refresh`)"
            if highest is None
            else f"submit another revision (the highest is {highest})"
        )
        super().__init__(
            f"revision {revision} of transcript {transcript_id} was withdrawn: {instead}, or "
            "`onrecord transcript restore` it and replay this letter"
        )


class UnknownRefreshError(BadMessageError):
    """Raised when new notes of an interview are requested, but not through control's API."""

    code = ErrorCode.NOT_YOURS

    def __init__(self, transcript_id: UUID, revision: int) -> None:
        super().__init__(
            f"nobody asked for transcript {transcript_id} to be asked again as revision "
            f"{revision}: `onrecord study refresh` does"
        )


class UnknownCorrectionError(BadMessageError):
    """Raised when a submission is a correction by people, but none of control's API."""

    code = ErrorCode.NOT_YOURS

    def __init__(self, transcript_id: UUID, revision: int) -> None:
        super().__init__(
            f"nobody corrected transcript {transcript_id} as revision {revision}: `onrecord "
            "transcript fix` does"
        )


class MalformedContentError(BadMessageError):
    """Raised when a submission's content is not in its declared form, such as gzip."""

    code = ErrorCode.INVALID_EVENT


class ContentRefusedError(BadMessageError):
    """Raised when a content URI may not be fetched, or its server denies access."""

    code = ErrorCode.CONTENT_REFUSED


class UriNotAllowedError(ContentRefusedError):
    """Raised when the settings do not allow a content URI to be fetched."""

    def __init__(self) -> None:
        super().__init__(
            "content: the URI is not among those that INGESTION_ALLOWED_CONTENT allows"
        )


class ContentNotFoundError(BadMessageError):
    """Raised when there is no file at a submission's content URI."""

    code = ErrorCode.CONTENT_NOT_FOUND


class ContentUnavailableError(RetryableError):
    """Raised when a submission's file could not be fetched, but a retry may succeed."""

    code = ErrorCode.CONTENT_UNAVAILABLE


class ContentTimedOutError(HandlerTimedOutError):
    """Raised when a submission's file was not fetched within the time limit."""

    code = ErrorCode.CONTENT_UNAVAILABLE
