"""Checks of all interviews of a batch before any is sent: a batch goes whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from contracts.events import TranscriptSubmitted
from contracts.study import Study
from contracts.topics import MIB, TRANSCRIPTS_SUBMITTED
from contracts.transcript import Role, Speaker, TranscriptFormat
from messaging import KafkaSettings
from onrecord.client import (
    build_submission,
    compress_content,
    compress_if_too_large,
    estimate_record_bytes,
)
from onrecord.errors import UsageError
from onrecord.submit.document_errors import format_document_errors
from onrecord.submit.files import decode_transcript, read_transcript_file
from onrecord.submit.interview_files import InterviewFile
from transcripts import (
    DEFAULT_MAX_BYTES,
    DoubtfulTranscriptError,
    TranscriptError,
    TranscriptReading,
    read_transcript,
)
from transcripts.text import clean_text


@dataclass(frozen=True, slots=True)
class SubmissionOptions:
    """Options of ``onrecord submit`` that apply to all of its files.

    Attributes:
        title: in place of the file's; for one file only.
        format: the vendor's format, if known.
        revision: which version of the interviews it is.
        speakers: roles; they take precedence over the manifest.
        check: whether to read the transcripts here first.
        accept: whether transcripts in which it is in doubt who speaks are wanted all the same.
        compress: whether to send all of them compressed, and not those that are too large only.
    """

    title: str | None = None
    format: TranscriptFormat | None = None
    revision: int = 1
    speakers: tuple[Speaker, ...] = ()
    check: bool = True
    accept: bool = False
    compress: bool = False


@dataclass(frozen=True, slots=True)
class PreparedSubmission:
    """Interview that was parsed and checked, with the event to send.

    Attributes:
        file: where it came from.
        event: the interview, with its text.
        reading: what is in it; None if it was not to be looked at.
        notices: sentences for people about what was mended or is missing.
        compressed: what is sent in place of the event, if its text is to be compressed.
    """

    file: InterviewFile
    event: TranscriptSubmitted
    reading: TranscriptReading | None
    notices: tuple[str, ...] = ()
    compressed: TranscriptSubmitted | None = None


def prepare_submissions(
    interviews: Sequence[InterviewFile],
    study: Study | str,
    declared: SubmissionOptions,
    kafka: KafkaSettings,
    *,
    checked: Callable[[], None] = lambda: None,
) -> list[PreparedSubmission]:
    """Parse and check interview files before any is sent; raise one error for all problems.

    Args:
        interviews: the files.
        study: what the notes are to be about; or the id of a registered study.
        declared: what holds for all files.
        kafka: settings, for how messages are compressed.
        checked: called after each file.

    Raises:
        UsageError: at least one cannot be submitted; every one that cannot is named.
    """
    ready, problems = [], []
    for file in interviews:
        try:
            ready.append(_prepare(file, study, declared, kafka))
        except UsageError as error:
            problems.append(str(error))
        checked()
    if len(problems) == 1:
        raise UsageError(f"{problems[0]} (nothing was sent)")
    if problems:
        messages = (
            f"{len(problems)} of {len(interviews)} files cannot be submitted; nothing was sent"
        )
        raise UsageError(messages, details=problems)
    _refuse_labels_nobody_has(declared.speakers, ready)
    return ready


def declare_roles(interviewers: Iterable[str], participants: Iterable[str]) -> tuple[Speaker, ...]:
    """Build the list of speakers with roles from ``--interviewer`` and ``--participant``.

    Raises:
        UsageError: a label is empty, too long, or both an interviewer's and a participant's.
    """
    asked = {Role.INTERVIEWER: [*interviewers], Role.PARTICIPANT: [*participants]}
    if both := sorted({*asked[Role.INTERVIEWER]} & {*asked[Role.PARTICIPANT]}):
        raise UsageError(f"{both[0]!r} is named as interviewer and as participant")
    try:
        return tuple(
            Speaker(label=label, role=role) for role, labels in asked.items() for label in labels
        )
    except ValidationError as error:
        raise UsageError(f"a speaker's name: {format_document_errors(error)}") from error


def _prepare(
    file: InterviewFile, study: Study | str, declared: SubmissionOptions, kafka: KafkaSettings
) -> PreparedSubmission:
    if file.data is None:
        found = read_transcript_file(file.path)
    else:
        found = decode_transcript(file.data, file.path)
    try:
        event = build_submission(
            content=found.text,
            title=declared.title or file.title,
            study=study,
            source=file.path.name,
            revision=declared.revision,
            format=declared.format,
            speakers=_merged(declared.speakers, file.speakers),
            recorded_at=file.recorded_at,
            accept_doubtful=declared.accept,
        )
    except ValidationError as error:
        raise UsageError(f"{file.path}: {format_document_errors(error)}") from error
    reading = _read(file, event) if declared.check else None
    message = compress_content(event) if declared.compress else compress_if_too_large(event, kafka)
    _refuse_too_large(file, message, kafka)
    notices = _notices(reading, file.speakers) if reading else ()
    return PreparedSubmission(
        file, event, reading, (*found.notices, *notices), None if message is event else message
    )


def _read(file: InterviewFile, event: TranscriptSubmitted) -> TranscriptReading:
    try:
        reading = read_transcript(event.content, format=event.format, speakers=event.speakers)
        if not event.accepts_doubts:
            reading.refuse_doubts()
    except DoubtfulTranscriptError as error:
        raise UsageError(
            f"{file.path}: {error} (`onrecord parse` shows what was read; --accept submits it so)"
        ) from error
    except TranscriptError as error:
        raise UsageError(f"{file.path}: {error}") from error
    return reading


def _merged(first: Iterable[Speaker], then: Iterable[Speaker]) -> tuple[Speaker, ...]:
    by_label = {speaker.label: speaker for speaker in (*then, *first)}
    return tuple(by_label.values())


def _refuse_too_large(
    file: InterviewFile, event: TranscriptSubmitted, kafka: KafkaSettings
) -> None:
    limit = TRANSCRIPTS_SUBMITTED.max_message_bytes
    if (size := estimate_record_bytes(event, kafka)) > limit:
        raise UsageError(
            f"{file.path}: {size / MIB:,.1f} MiB as a compressed message; an interview may have "
            f"{DEFAULT_MAX_BYTES / MIB:g} MiB of text, and {limit / MIB:g} MiB as a compressed "
            "message: split the interview, or have it exported without word times"
        )


def _notices(reading: TranscriptReading, declared: Iterable[Speaker]) -> tuple[str, ...]:
    present = {segment.speaker.casefold() for segment in reading.segments}
    absent = [one.label for one in declared if clean_text(one.label).casefold() not in present]
    unknown = {one.speaker: None for one in reading.segments if one.role is Role.UNKNOWN}
    messages = [f"the manifest names a speaker who says nothing: {label}" for label in absent]
    if unknown:
        messages.append(
            f"nobody says whether these ask or answer: {', '.join(unknown)} "
            "(--interviewer and --participant tell it)"
        )
    return (*reading.notices, *reading.report.doubts, *messages)


def _refuse_labels_nobody_has(
    declared: Iterable[Speaker], ready: Iterable[PreparedSubmission]
) -> None:
    readings = [one.reading for one in ready if one.reading is not None]
    present = {segment.speaker: None for one in readings for segment in one.segments}
    folded = {label.casefold() for label in present}
    for speaker in declared:
        if readings and clean_text(speaker.label).casefold() not in folded:
            raise UsageError(
                f"nobody is called {speaker.label!r}; the speakers are {', '.join(present)} "
                "(nothing was sent)"
            )
