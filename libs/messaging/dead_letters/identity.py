"""Says which dead letter a record is and what it is about, from its bytes.

A record's key, and an id in its headers, are claims of whoever wrote it. A letter's id follows from
where the message was first read, what it was (a digest) and how often it was replayed, so a record
that names another letter's id is not that letter. What a message is about is read from its value;
a message that cannot be read is about nothing.
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
from contracts.topics import EVENT_TOPICS, MIB
from messaging.codec import document_of
from messaging.dead_letters import stubs
from messaging.dead_letters.record_digest import digest
from messaging.dead_letters.stubs import Stub
from messaging.delivery import Headers, Origin, number_of, read_history
from messaging.limits import SIMPLE_BYTES, has_more_values

DOCUMENT_BYTES: Final = 32 * MIB
"""Most bytes of a message from which it is read what it is about."""

DOCUMENT_VALUES: Final = 500_000
"""Most values of such a message."""


def content_of(key: bytes | None, value: bytes | None, original: Headers, added: Headers) -> bytes:
    """The digest that a letter's id follows from, of a record in a DLQ.

    Of a stub, it is of what it tells of the message that it stands for: the same message has
    another digest where it was set aside whole.

    Args:
        key: of the record.
        value: of the record.
        original: its headers without those that onrecord added.
        added: those that onrecord added.
    """
    stub = stubs.told_by(added)
    return digest(key, value, original) if stub is None else content_of_stub(stub)


def content_of_stub(stub: Stub) -> bytes:
    """As ``content_of``, for a message that is set aside as a stub."""
    told = (stub.kind.value, str(stub.size_bytes), stub.sha256)
    return sha256("\x1f".join(told).encode()).digest()


def letter_id(service: str, origin: Origin, replays: int, content: bytes) -> UUID:
    """The id of a dead letter.

    A message that is set aside twice, because its service crashed in between, is one letter. A
    message at the same place of a topic that was created anew is another one.

    Args:
        service: which service set it aside.
        origin: where, and with what timestamp, the message was first read.
        replays: how often it was replayed before.
        content: its ``content_of``.
    """
    parts = (origin.topic, origin.partition, origin.offset, origin.timestamp_ms, replays)
    encoded = (str(part).encode(errors="backslashreplace") for part in (service, *parts))
    return UUID(derive_id_text("letter", *encoded, content.hex().encode()))


def letter_id_of(service: str, place: Origin, content: bytes, added: Headers) -> UUID:
    """The id of the letter that a record in a DLQ is.

    It is the one in its headers if that follows from the record. Otherwise somebody else wrote the
    record, or an earlier version of onrecord did: then it follows from its place in the DLQ.

    Args:
        service: whose DLQ it is in.
        place: where in the DLQ.
        content: its ``content_of``.
        added: the headers that onrecord added.
    """
    origin = read_history(added, fallback=place, tier=0).origin
    derived = letter_id(service, origin, number_of(added, h.REPLAYS, 0), content)
    if dict(added).get(h.LETTER_ID) == str(derived).encode():
        return derived
    parts = (service, place.topic, str(place.partition), str(place.offset), content.hex())
    return UUID(derive_id_text("foreign letter", *(part.encode() for part in parts)))


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about, read from its value.

    Attributes:
        subject: the id that it has to be keyed by: of a transcript or a chunk.
        revision: the transcript's revision, if the message tells one.
        content_sha256: which content of that revision, if the message tells it.
    """

    subject: str
    revision: int | None = None
    content_sha256: str | None = None


def about(topic: str | None, key: bytes | None, value: bytes | None) -> About | None:
    """What a message is about; None if its value does not tell it, or its key says otherwise.

    A value of more bytes or values than a message may cost tells nothing.

    Args:
        topic: where it was first read, without prefix.
        key: of the record.
        value: of the record.
    """
    kind = _KEYED_BY.get(topic or "")
    if kind is None or not value or not is_readable(document := document_of(value)):
        return None
    try:
        told = kind.model_validate_json(document)
    except ValidationError:
        return None
    if told.subject is None or key != str(told.subject).encode():
        return None
    return About(str(told.subject), told.revision, told.content_sha256)


def is_readable(document: bytes) -> bool:
    """Whether a document may be decoded only to learn what it is about."""
    if len(document) <= SIMPLE_BYTES:
        return True
    return len(document) <= DOCUMENT_BYTES and not has_more_values(document, DOCUMENT_VALUES)


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


Revision = Annotated[int | None, Field(ge=1, le=2**31 - 1), WrapValidator(_or_none)]
"""A revision that PostgreSQL's ``int`` takes; None in place of whatever else is told."""


class _Keyed(BaseModel):
    model_config = ConfigDict(extra="ignore")

    revision: Revision = None
    content_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")

    @property
    def subject(self) -> UUID | None:
        raise NotImplementedError


class _AboutTranscript(_Keyed):
    transcript_id: UUID

    @property
    def subject(self) -> UUID:
        return self.transcript_id


class _Chunk(BaseModel):
    chunk_id: UUID


class _AboutChunk(_Keyed):
    chunk_id: UUID | None = None
    chunk: _Chunk | None = None

    @property
    def subject(self) -> UUID | None:
        return self.chunk.chunk_id if self.chunk else self.chunk_id


_KINDS: Final[dict[str, type[_Keyed]]] = {
    "transcript id": _AboutTranscript,
    "chunk id": _AboutChunk,
}
_KEYED_BY: Final = {topic.name: _KINDS[topic.key] for topic in EVENT_TOPICS}
