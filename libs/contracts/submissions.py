"""Interviews submitted over HTTP: request, answer, and the headers that name the submitter."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts import headers as h
from contracts.bounds import (
    MAX_CHUNK_ENTRIES,
    MAX_FILE_CHARACTERS,
    STORABLE,
    Moment,
    Number,
    Title,
)
from contracts.control_api import ControlApiModel
from contracts.events import TranscriptSettled, TranscriptSubmitted
from contracts.ids import derive_transcript_id
from contracts.study import Identifier, Study, require_study_or_id
from contracts.transcript import ContentForm, Speaker, TranscriptFormat

MAX_SOURCE_CHARACTERS: Final = 1_000
"""Longest name of an interview within its study, in characters."""

Source = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARACTERS), STORABLE]
"""Name of an interview within its study, such as a file's name."""


class SubmitTranscriptRequest(BaseModel):
    """Request to submit an interview's transcript to a study.

    So whoever submits to one study cannot name an interview of another.
    """

    model_config = ConfigDict(extra="forbid")

    source: Source = Field(
        description="Names the interview within its study, such as its file's name; its id is "
        "derived from the study's id and this."
    )
    revision: Number = Field(1, description="One more for each corrected version.")
    title: Title = Field(min_length=1, description="What people call the interview.")
    study: Study | None = Field(
        None, description="The study, with its themes and research questions; or `study_id`."
    )
    content: str = Field(
        max_length=MAX_FILE_CHARACTERS,
        description="The transcript file's text, as the vendor exported it; or what "
        "`content_form` says.",
    )
    content_form: ContentForm = Field(
        ContentForm.TEXT, description="What `content` is: text, gzip in base64, or a URI."
    )
    format: TranscriptFormat | None = Field(
        None, description="The format, if it is known; found from the content if not."
    )
    speakers: tuple[Speaker, ...] = Field(
        (),
        max_length=MAX_CHUNK_ENTRIES,
        description="Roles of speakers whose labels do not state them.",
    )
    recorded_at: Moment | None = Field(None, description="When the interview took place.")
    accept_doubtful: bool = Field(
        default=False, description="Use the transcript although it is in doubt who speaks."
    )
    study_id: Identifier | None = Field(
        None, description="Id of a registered study, in place of `study`."
    )
    supersedes: Number | None = Field(
        None, description="The highest revision so far, where this one does not follow it by one."
    )

    @model_validator(mode="after")
    def _names_one_study(self) -> Self:
        require_study_or_id(self.study, self.study_id)
        return self

    @classmethod
    def of(cls, event: TranscriptSubmitted, source: str) -> Self:
        """Build the request that submits the same as an event."""
        fields = {name: getattr(event, name) for name in cls.model_fields if name != "source"}
        return cls(source=source, **fields)

    def to_event(self) -> TranscriptSubmitted:
        """Build the event that is published."""
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "source"}
        study_id = self.study_id if self.study is None else self.study.study_id
        assert study_id is not None, "the model is validated"
        transcript_id = derive_transcript_id(study_id, self.source)
        return TranscriptSubmitted(transcript_id=transcript_id, **fields)


class SubmittedTranscript(ControlApiModel):
    """Submitted interview: its id, and its Kafka topic, partition and offset."""

    transcript_id: UUID = Field(description="Id of the interview.")
    revision: int = Field(description="Which version of it.")
    study_id: str = Field(description="Its study.")
    topic: str = Field(description="The topic that has it, by its name on the broker.")
    partition: int = Field(description="Partition of the topic.")
    offset: int | None = Field(
        None, description="Offset in it; None if the broker had it from an earlier try."
    )


class StoredRevision(ControlApiModel):
    """Stored revision of an interview: its number, and the hash of its content."""

    revision: int
    content_sha256: str


class InterviewState(ControlApiModel):
    """State of an interview: its stored revisions, and the outcomes of its submissions."""

    transcript_id: UUID = Field(description="Id of the interview.")
    stored: tuple[StoredRevision, ...] = Field(description="Its stored revisions.")
    outcomes: tuple[TranscriptSettled, ...] = Field(
        description="The latest outcome of each content that was submitted for it; at most 100."
    )


TOKEN_PRODUCER: Final = "token:"  # noqa: S105 - a prefix
"""Begins the producer's name of an access token made by control."""

PERSON_PRODUCER: Final = "person:"
"""Begins the producer's name of a person of the OpenID Connect issuer."""


class Submitter(BaseModel):
    """Submitter of an interview through the HTTP API: an access token, or a logged-in person.

    Attributes:
        token_id: the token's id, or that of the person, derived from issuer and subject.
        name: what the token or the person is called.
        is_person: whether it is a person of the OpenID Connect issuer.
    """

    model_config = ConfigDict(frozen=True)

    token_id: UUID
    name: str
    is_person: bool = False

    @property
    def producer(self) -> str:
        """The name by which studies and interviews know the submitter as a producer.

        Tokens have the name that an admin gave them, and keep it when the secret is replaced.
        People choose and change their names at many issuers (OpenID Connect Core, 5.7), so theirs
        has no part in it.
        """
        return (
            PERSON_PRODUCER + str(self.token_id) if self.is_person else TOKEN_PRODUCER + self.name
        )


def build_submitter_headers(
    submitter: Submitter, key: bytes, value: bytes, secret: bytes
) -> tuple[tuple[str, bytes], ...]:
    """Build Kafka headers that name a record's submitter, signed with an HMAC.

    Any producer can write any header, so the second one authenticates the first: it is an
    HMAC-SHA-256 over the submitter and the record's key and value, by a secret that control makes,
    and that ingestion reads. Copied to another record, it does not fit.

    Args:
        submitter: who submitted.
        key: the record's key.
        value: the record's value.
        secret: control's.
    """
    claim = submitter.model_dump_json().encode()
    mac = _compute_mac(claim, key, value, secret).hex().encode()
    return ((h.SUBMITTED_BY, claim), (h.SUBMITTED_BY_MAC, mac))


def read_submitter(
    headers: Iterable[tuple[str, bytes | None]],
    key: bytes | None,
    value: bytes | None,
    secret: bytes,
) -> Submitter | None:
    """Return the submitter that a record's headers name; None if the HMAC is missing or wrong."""
    found = dict(headers)
    claim, mac = found.get(h.SUBMITTED_BY), found.get(h.SUBMITTED_BY_MAC)
    if claim is None or mac is None:
        return None
    expected = _compute_mac(claim, key or b"", value or b"", secret).hex().encode()
    if not hmac.compare_digest(expected, mac):
        return None
    try:
        return Submitter.model_validate(json.loads(claim))
    except (ValueError, ValidationError):
        return None


def _compute_mac(claim: bytes, key: bytes, value: bytes, secret: bytes) -> bytes:
    # Hashes have one length each, so no two different records have the same parts.
    parts = b"".join(hashlib.sha256(part).digest() for part in (claim, key, value))
    return hmac.digest(secret, b"onrecord submitter v1" + parts, "sha256")
