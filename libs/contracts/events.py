"""The events that travel between services; each belongs to one topic (see ``contracts.topics``).

A breaking change is a new event on a new topic. Consumers ignore fields they do not know.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self
from uuid import UUID

from pydantic import Field, model_validator

from contracts.bounds import (
    MAX_CHUNK_ENTRIES,
    MAX_FILE_CHARACTERS,
    MAX_REASONS,
    MAX_SEGMENTS,
    MAX_SPEAKERS,
    STORABLE,
    Amount,
    Moment,
    Name,
    Number,
    Title,
)
from contracts.gzip_content import decode_base64, gunzip
from contracts.notes import DraftNote, Note, RejectedNote, Usage
from contracts.reading_report import BoundedReadingReport
from contracts.study import (
    ContractModel,
    DoubtfulSpeakers,
    Identifier,
    Study,
    require_study_or_id,
)
from contracts.transcript import ContentForm, Segment, Speaker, SpeakerLabel, TranscriptFormat

MAX_GZIP_RATIO: Final = 100
"""How many times as large as its gzip a transcript is at most; what is more is no text, and not
decompressed just to be known again."""


class Event(ContractModel):
    """Base of all events: pydantic models with a CloudEvents type and a Kafka record key."""

    ce_type: ClassVar[str]

    @property
    def key(self) -> str:
        """The record key and CloudEvents subject: the id of the transcript or chunk."""
        raise NotImplementedError

    @property
    def interview(self) -> str | None:
        """The transcript id if the key is another id, for fair scheduling between interviews."""
        return None


class TranscriptEvent(Event):
    """Base of all events about one revision of one interview's transcript."""

    transcript_id: UUID = Field(description="Id of the interview; the record key.")
    revision: Number = Field(1, description="Counts corrected versions of the same interview.")

    @property
    def key(self) -> str:
        """The transcript id."""
        return str(self.transcript_id)


class TranscriptSubmitted(TranscriptEvent):
    """Interview submitted by a producer, in any supported format."""

    ce_type = "onrecord.TranscriptSubmitted.v1"

    title: Title = Field(min_length=1, description="What people call the interview.")
    study: Study | None = Field(
        None,
        description="The customer's themes and research questions, in place of `study_id`. Of a "
        "registered study, its own policies count where they are stricter.",
    )
    content: str = Field(
        max_length=MAX_FILE_CHARACTERS,
        description="The transcript file's text, as the vendor exported it; or what "
        "`content_form` says.",
    )
    format: TranscriptFormat | None = Field(
        None, description="The format, if the producer knows it; found from the content if not."
    )
    speakers: tuple[Speaker, ...] = Field(
        (),
        max_length=MAX_CHUNK_ENTRIES,
        description="Roles of speakers whose labels do not state them.",
    )
    recorded_at: Moment | None = Field(None, description="When the interview took place.")
    accept_doubtful: bool = Field(
        default=False,
        description="Use the transcript although it is in doubt who speaks; else it is refused "
        "with the reasons, unless the study accepts it.",
    )
    content_form: ContentForm = Field(
        ContentForm.TEXT,
        description="What `content` is: the text itself; the file, compressed by gzip and in "
        "base64; or a URI (https or file) that the installation allows, of the file, which may be "
        "compressed by gzip.",
    )
    study_id: Identifier | None = Field(
        None,
        description="Id of a registered study, in place of `study`; one of them has to be given, "
        "and both have to name the same.",
    )
    refresh_version: Number | None = Field(
        None,
        description="Version of the registered study that a stored interview is asked again with; "
        "`content` is empty then. Control alone writes it, of what was asked for through its API.",
    )
    supersedes: Number | None = Field(
        None,
        description="The interview's highest revision so far, where this one does not follow it "
        "by one.",
    )
    corrects: Number | None = Field(
        None,
        description="The stored revision whose words this one has, with speakers, roles or title "
        "corrected by people; `content` is empty then. Control alone writes it, of what was asked "
        "for through its API.",
    )

    @model_validator(mode="after")
    def _names_one_study(self) -> Self:
        require_study_or_id(self.study, self.study_id)
        return self

    @property
    def named_study_id(self) -> str:
        """Id of its study, whether the study came with it or not."""
        if self.study is not None:
            return self.study.study_id
        assert self.study_id is not None, "the model is validated"
        return self.study_id

    @property
    def accepts_doubts(self) -> bool:
        """Whether the message or the study in it takes a transcript in doubt about who speaks."""
        return self.accept_doubtful or (
            self.study is not None and self.study.doubtful_speakers is DoubtfulSpeakers.ACCEPT
        )

    @property
    def content_sha256(self) -> str:
        """Hex SHA-256 of the fields that determine the notes: content, study, format and roles.

        Of compressed UTF-8, it is that of the text; of a URI, that of the URI: the message alone
        decides, so that all who read it find the same.
        """
        # Defaults are left out, so that a field added later changes no hash.
        decisive = {"content", "content_form", "study", "format", "speakers", "refresh_version"}
        decisive.add("corrects")
        if self.study is None:
            decisive.add("study_id")
        identity = self._with_text().model_dump_json(include=decisive, exclude_defaults=True)
        return hashlib.sha256(identity.encode()).hexdigest()

    def _with_text(self) -> Self:
        """Return the event with its text, if that is cheap to decompress and UTF-8."""
        if self.content_form is not ContentForm.GZIP:
            return self
        try:
            packed = decode_base64(self.content)
            most = min(MAX_FILE_CHARACTERS, len(packed) * MAX_GZIP_RATIO)
            text = gunzip(packed, most).decode()
        except ValueError:
            return self
        return self.model_copy(update={"content": text, "content_form": ContentForm.TEXT})


class ChunkRef(ContractModel):
    """Reference to an interview chunk: its id and the range of segments it covers."""

    chunk_id: UUID = Field(description="Id of the chunk.")
    index: Number = Field(description="Position in the transcript, from 1.")
    first_segment: Number = Field(description="Number of its first segment.")
    last_segment: Number = Field(description="Number of its last segment.")


class TranscriptIngested(TranscriptEvent):
    """Interview parsed into segments, with references to its chunks."""

    ce_type = "onrecord.TranscriptIngested.v1"

    title: Title = Field(description="What people call the interview.")
    study: Study = Field(description="The customer's themes and research questions.")
    format: TranscriptFormat = Field(description="The format that was found.")
    content_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Tells apart submissions under one revision."
    )
    recorded_at: Moment | None = Field(None, description="When the interview took place.")
    segments: tuple[Segment, ...] = Field(
        min_length=1, max_length=MAX_SEGMENTS, description="All turns, in order."
    )
    chunks: tuple[ChunkRef, ...] = Field(
        min_length=1, max_length=MAX_SEGMENTS, description="All chunks, in order."
    )
    reading_report: BoundedReadingReport | None = Field(
        None,
        description="How it was read. Null in older events, and for an interview that is asked "
        "again: its content was read before.",
    )


class ChunkReady(Event):
    """Part of an interview for one call of the language model: segments, and the study."""

    ce_type = "onrecord.ChunkReady.v1"

    chunk_id: UUID = Field(description="Id of the chunk; the record key.")
    transcript_id: UUID = Field(description="Id of the interview.")
    revision: Number = Field(description="Revision of the interview.")
    index: Number = Field(description="Position of the chunk in the transcript, from 1.")
    chunk_count: Number = Field(description="How many chunks the transcript has.")
    title: Title = Field(description="What people call the interview.")
    study: Study = Field(description="The customer's themes and research questions.")
    context: tuple[Segment, ...] = Field(
        (),
        max_length=MAX_SEGMENTS,
        description="Segments just before, for understanding only; they may not be cited.",
    )
    segments: tuple[Segment, ...] = Field(
        min_length=1, max_length=MAX_SEGMENTS, description="What notes may cite."
    )
    speakers: tuple[SpeakerLabel, ...] = Field(
        (),
        max_length=MAX_SPEAKERS,
        description="All who speak in the interview, so that their names can be masked in notes on "
        "any part of it.",
    )

    @property
    def key(self) -> str:
        """The chunk id."""
        return str(self.chunk_id)

    @property
    def interview(self) -> str:
        """The transcript id."""
        return str(self.transcript_id)


class _AboutChunk(Event):
    chunk: ChunkReady = Field(description="The chunk the model was asked about.")
    attempt: Number = Field(1, description="Which draft of this chunk it is, from 1.")

    @property
    def key(self) -> str:
        """The chunk id."""
        return self.chunk.key

    @property
    def interview(self) -> str:
        """The transcript id of the chunk."""
        return self.chunk.interview


class NotesDrafted(_AboutChunk):
    """Draft notes on one chunk of an interview, as the model wrote them; not yet checked."""

    ce_type = "onrecord.NotesDrafted.v1"

    notes: tuple[DraftNote, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="The notes it offers; may be none."
    )
    model: Name = Field(description="The model that answered, as the endpoint named it.")
    model_fingerprint: Name = Field("", description="The endpoint's system fingerprint, if any.")
    prompt_version: Name = Field(description="Version of the prompt, such as `notes-1`.")
    usage: Usage = Field(Usage(), description="Tokens used by this answer.")


class NotesRejected(_AboutChunk):
    """Draft notes that the guardrail rejected, with the reasons, for another try by the model."""

    ce_type = "onrecord.NotesRejected.v1"

    rejected: tuple[RejectedNote, ...] = Field(
        min_length=1, max_length=MAX_CHUNK_ENTRIES, description="What was refused."
    )
    feedback: Annotated[str, STORABLE] = Field(
        min_length=1,
        max_length=MAX_FILE_CHARACTERS,
        description="The reasons, worded for the model.",
    )


class NotesValidated(Event):
    """Result of the guardrail for a chunk: accepted notes, and rejected notes with reasons."""

    ce_type = "onrecord.NotesValidated.v1"

    chunk_id: UUID = Field(description="Id of the chunk; the record key.")
    transcript_id: UUID = Field(description="Id of the interview.")
    revision: Number = Field(description="Revision of the interview.")
    study_id: Identifier = Field(description="Id of the study.")
    attempt: Number = Field(description="Which draft of this chunk it was, from 1.")
    final: bool = Field(
        default=True,
        description="Whether the chunk is complete with it; false where another draft is asked "
        "for, or the draft is a dead letter.",
    )
    notes: tuple[Note, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Accepted notes; none is a finding too."
    )
    rejected: tuple[RejectedNote, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Refused notes with their reasons."
    )
    model: Name = Field(description="The model that answered.")
    model_fingerprint: Name = Field("", description="The endpoint's system fingerprint, if any.")
    prompt_version: Name = Field(description="Version of the prompt.")
    usage: Usage = Field(Usage(), description="Tokens used by the accepted draft.")

    @property
    def key(self) -> str:
        """The chunk id."""
        return str(self.chunk_id)

    @property
    def interview(self) -> str:
        """The transcript id."""
        return str(self.transcript_id)


class NotesStored(TranscriptEvent):
    """Confirmation that the notes on a chunk of an interview are stored in PostgreSQL."""

    ce_type = "onrecord.NotesStored.v1"

    study_id: Identifier = Field(description="Id of the study.")
    chunk_id: UUID = Field(description="Id of the chunk.")
    note_ids: tuple[UUID, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Ids of the notes now stored."
    )
    rejected_count: Amount = Field(0, description="How many notes of the chunk were refused.")
    complete: bool = Field(
        default=True, description="Whether no further draft of the chunk is awaited."
    )


class SettledOutcome(StrEnum):
    """Final outcome of a submitted interview: complete, refused, superseded and so on."""

    COMPLETE = "complete"
    DEAD_IN_PART = "dead_in_part"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    ERASED = "erased"


class SettledReason(ContractModel):
    """Error because of which an interview, or some of its chunks, became dead letters."""

    service: Name = Field(description="The service that set it aside.")
    code: Name = Field(description="The cause, such as `doubtful_reading`; more may be added.")
    message: Name = Field(
        "", description="One line for people, with the field or the line it is about."
    )
    chunks: Amount = Field(0, description="How many chunks; 0 where it is the whole interview.")


class TranscriptSettled(Event):
    """Final outcome of a submitted interview, published to its producer.

    Content is settled again when its outcome changes: once its dead letters are replayed, an
    interview that was dead in part is complete. It is settled again, too, if it is submitted again
    when it is complete or superseded. **The latest event of a revision and content holds**: the one
    with the highest ``number``. The same event may arrive more than once, with the same id.
    """

    ce_type = "onrecord.TranscriptSettled.v1"

    transcript_id: UUID = Field(description="Id of the interview; the record key.")
    revision: Number | None = Field(
        description="Revision of the interview; null if the submission has no valid one."
    )
    content_sha256: str | None = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="Tells apart submissions under one revision; null for an invalid submission.",
    )
    number: Number = Field(
        description="Counts the outcomes of this content under this revision; the highest holds."
    )
    outcome: SettledOutcome = Field(
        description="`complete`: all chunks are stored. `dead_in_part`: each chunk is stored or a "
        "dead letter; a replay may still complete it. `refused`: the interview itself is a dead "
        "letter. `superseded`: a newer revision is stored, or this one was withdrawn; nothing is "
        "counted. `erased`: the interview was erased on request, and what comes of it is discarded."
    )
    chunks: Amount = Field(0, description="How many chunks the interview has.")
    stored: Amount = Field(0, description="How many of them are stored.")
    dead: Amount = Field(0, description="How many of them are dead letters.")
    notes: Amount = Field(0, description="How many notes are stored, without repeats.")
    rejected_notes: Amount = Field(0, description="How many notes the guardrail refused.")
    reasons: tuple[SettledReason, ...] = Field(
        (), max_length=MAX_REASONS, description="Why it is refused, or dead in part."
    )
    refreshes: Number | None = Field(
        None,
        description="The revision that was asked again, if this one is a refresh: one that control "
        "made of a stored revision, and no producer submitted. Null: it is a producer's own.",
    )
    withdrawn: bool = Field(
        default=False, description="Whether it is superseded because the revision was withdrawn."
    )
    superseded_by: Number | None = Field(None, description="The newer revision that is stored.")

    @property
    def key(self) -> str:
        """The transcript id."""
        return str(self.transcript_id)
