"""Ids and subjects of dead letters, derived from their bytes and not from what they claim.

A record's key, and an id in its headers, are claims of whoever wrote it. A letter's id follows from
where the message was first read, what it was (a digest) and how often it was replayed, so a record
that names another letter's id is not that letter. What a message is about is read from its value;
a message that cannot be read is about nothing. A record whose id does not follow from it was not
written by the service that owns the DLQ: it is about nothing, and has no place but that in the DLQ.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from contracts import headers as h
from contracts.ids import derive_id_text
from contracts.study import Identifier
from contracts.topics import EVENT_TOPICS, MIB
from messaging.codec import strip_schema_id
from messaging.dead_letters import stubs
from messaging.dead_letters.record_digest import digest_record
from messaging.dead_letters.stubs import DeadLetterStub
from messaging.delivery import (
    Headers,
    MessageOrigin,
    get_header_number,
    read_message_origin,
    split_headers,
)
from messaging.limits import SIMPLE_BYTES, has_more_json_values_than

DOCUMENT_BYTES: Final = 32 * MIB
"""Most bytes of a message whose subject is read."""

DOCUMENT_VALUES: Final = 500_000
"""Most values of such a message."""


def compute_content_digest(
    key: bytes | None, value: bytes | None, original: Headers, added: Headers
) -> bytes:
    """Compute the digest of a DLQ record's content, from which the dead letter's id is derived.

    For a stub letter the digest is of its description of the message, not of the message: the same
    message has another digest where its letter is whole.

    Args:
        key: the record's key.
        value: the record's value.
        original: its headers without those that onrecord added.
        added: the headers that onrecord added.
    """
    stub = stubs.read_stub_headers(added)
    return digest_record(key, value, original) if stub is None else compute_stub_digest(stub)


def compute_stub_digest(stub: DeadLetterStub) -> bytes:
    """Compute a truncated dead letter's digest from the original message's size and SHA-256."""
    described = (stub.kind.value, str(stub.size_bytes), stub.sha256)
    return sha256("\x1f".join(described).encode()).digest()


def derive_dead_letter_id(
    service: str, origin: MessageOrigin, replays: int, content: bytes
) -> UUID:
    """Derive a dead letter's id (UUIDv5) from its content and its message's first position.

    A message written to the DLQ twice, because its service crashed in between, has one id. One
    at the same offset of a topic that was deleted and recreated has another.

    Args:
        service: the service that wrote it.
        origin: where, and with what timestamp, the message was first read.
        replays: how often it was replayed before.
        content: its ``compute_content_digest``.
    """
    # As ``derive_id_text`` joins its parts, but encoded together.
    parts = (
        f"{service}\x1f{origin.topic}\x1f{origin.partition}\x1f{origin.offset}"
        f"\x1f{origin.timestamp_ms}\x1f{replays}\x1f{content.hex()}"
    )
    return UUID(derive_id_text("letter", parts.encode(errors="backslashreplace")))


@dataclass(frozen=True, slots=True)
class MessageSubject:
    """Transcript or chunk that a message is about.

    Attributes:
        subject: the id that it has to be keyed by: of a transcript or a chunk.
        revision: the transcript's revision, if the message contains one.
        content_sha256: hash of that revision's content, if the message contains it.
        study_id: the study that the message names, if it names one.
    """

    subject: str
    revision: int | None = None
    content_sha256: str | None = None
    study_id: str | None = None


def read_message_subject(
    topic: str | None, key: bytes | None, value: bytes | None
) -> MessageSubject | None:
    """Read the transcript or chunk id from a message's value; None if it is unreadable.

    A value over ``DOCUMENT_BYTES`` or ``DOCUMENT_VALUES`` is not decoded.

    Args:
        topic: where it was first read, without prefix.
        key: of the record.
        value: of the record.
    """
    kind = _KEYED_BY.get(topic or "")
    if (
        kind is None
        or not value
        or not is_small_enough_to_decode(document := strip_schema_id(value))
    ):
        return None
    try:
        found = kind.model_validate_json(document)
    except ValidationError:
        return None
    # Producers choose key and value: a value that names another subject than its key is believed
    # in neither.
    if found.subject is None or key != str(found.subject).encode():
        return None
    return MessageSubject(
        str(found.subject), found.revision, found.content_sha256, found.named_study_id
    )


@dataclass(frozen=True, slots=True)
class DeadLetterIdentity:
    """Identity of a DLQ record: the dead letter's id, and the values it is derived from.

    Attributes:
        letter_id: id of the letter.
        content: its ``compute_content_digest``.
        origin: where its message was first read; None if nothing confirms what the headers say.
        about: what its message is about; None if it cannot be read, or nothing confirms it.
    """

    letter_id: UUID
    content: bytes
    origin: MessageOrigin | None
    about: MessageSubject | None


def compute_dead_letter_identity(
    service: str,
    place: MessageOrigin,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
) -> DeadLetterIdentity:
    """Compute the identity of a DLQ record; headers that contradict the record are ignored.

    The id is the one in its headers if that follows from the record. Otherwise somebody else wrote
    the record, or an earlier version of onrecord did: then the id follows from its place in the
    DLQ, and origin and subject are unknown, so that it cannot pass for another's message.

    Args:
        service: whose DLQ it is in.
        place: where in the DLQ, without prefix.
        key: the record's key.
        value: the record's value.
        headers: all its headers.
    """
    original, added = split_headers(headers)
    content = compute_content_digest(key, value, original, added)
    origin = read_message_origin(added, place)
    derived = derive_dead_letter_id(
        service, origin, get_header_number(added, h.REPLAYS, 0), content
    )
    if dict(added).get(h.LETTER_ID) != str(derived).encode():
        parts = (service, place.topic, str(place.partition), str(place.offset), content.hex())
        by_place = derive_id_text("foreign letter", *(part.encode() for part in parts))
        return DeadLetterIdentity(UUID(by_place), content, None, None)
    about = read_message_subject(origin.topic, key, value)
    return DeadLetterIdentity(derived, content, origin, about)


def is_small_enough_to_decode(document: bytes) -> bool:
    """Return whether a JSON document is small enough to be parsed for the ids in it."""
    if len(document) <= SIMPLE_BYTES:
        return True
    return len(document) <= DOCUMENT_BYTES and not has_more_json_values_than(
        document, DOCUMENT_VALUES
    )


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


Revision = Annotated[int | None, Field(ge=1, le=2**31 - 1), WrapValidator(_or_none)]
"""A revision that PostgreSQL's ``int`` takes; None in place of any other value."""


class SubmissionIdentity(BaseModel):
    """Fields of a submission event that identify its interview: study, source, revision.

    Attributes:
        transcript_id: id of the interview.
        revision: 1 if the submission contains none; None if the one it contains is invalid.
    """

    model_config = ConfigDict(extra="ignore")

    transcript_id: UUID
    revision: Revision = 1


def read_submission_identity(document: bytes) -> SubmissionIdentity | None:
    """Read the fields that identify an interview from a submission's JSON; None if unreadable.

    Args:
        document: the JSON of the record's value.
    """
    if not is_small_enough_to_decode(document):
        return None
    try:
        return SubmissionIdentity.model_validate_json(document)
    except ValidationError:
        return None


StudyId = Annotated[Identifier | None, WrapValidator(_or_none)]
"""A study's id; None in place of what is none."""


class _Study(BaseModel):
    study_id: StudyId = None


class _KeyedMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    revision: Revision = None
    content_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    study_id: StudyId = None
    study: Annotated[_Study | None, WrapValidator(_or_none)] = None

    @property
    def named_study_id(self) -> str | None:
        return self.study_id or (self.study.study_id if self.study else None)

    @property
    def subject(self) -> UUID | None:
        raise NotImplementedError


class _TranscriptMessage(_KeyedMessage):
    transcript_id: UUID

    @property
    def subject(self) -> UUID:
        return self.transcript_id


class _Chunk(BaseModel):
    chunk_id: UUID
    study: Annotated[_Study | None, WrapValidator(_or_none)] = None


class _ChunkMessage(_KeyedMessage):
    chunk_id: UUID | None = None
    chunk: _Chunk | None = None

    @property
    def named_study_id(self) -> str | None:
        within = self.chunk.study if self.chunk else None
        return (within.study_id if within else None) or super().named_study_id

    @property
    def subject(self) -> UUID | None:
        return self.chunk.chunk_id if self.chunk else self.chunk_id


_KINDS: Final[dict[str, type[_KeyedMessage]]] = {
    "transcript id": _TranscriptMessage,
    "chunk id": _ChunkMessage,
}
_KEYED_BY: Final = {topic.name: _KINDS[topic.key] for topic in EVENT_TOPICS}
