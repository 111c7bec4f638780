"""The messages of a round as records, and recognising them again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from chaos.fates import GARBLED, End, fate
from contracts import headers as h
from contracts.events import ChunkReady, NotesStored
from contracts.ids import derive_id
from messaging.delivery import Headers, split_headers
from support.chunks import CHUNK

KEYS: Final = 24
NUMBER: Final = "chaos-number"
"""The header that tells a message's number, whatever else of it cannot be read."""

OWN_DEADLINE_S: Final = 1.5
ODD_HEADERS: Final[Headers] = (
    ("repeated", b"1"),
    ("repeated", b"2"),
    ("not-utf8", b"\xff\xfe"),
    (b"na\xffme".decode(errors="surrogateescape"), b""),
)


@dataclass(frozen=True, slots=True)
class Message:
    """A record as sent, and as it has to be in the DLQ if it ends there."""

    key: bytes
    value: bytes | None
    headers: Headers


def key(number: int) -> str:
    """Return a message's key; there are only a few, so that order matters."""
    return f"key-{number % KEYS}"


def chunk(seed: str, number: int) -> ChunkReady:
    """Return the event with this number, from 1."""
    return CHUNK.model_copy(update={"chunk_id": derive_id("chunk", seed, number), "index": number})


def message(seed: str, number: int) -> Message:
    """Return the record with this number, timestamped now."""
    end = fate(seed, number).end
    own: Headers = ((NUMBER, str(number).encode()),)
    event = chunk(seed, number).model_dump_json().encode()
    if end is End.LATE:
        deadline_ms = int((time.time() + OWN_DEADLINE_S) * 1000)
        return Message(_key(number), event, (*own, (h.DEADLINE, str(deadline_ms).encode())))
    if end not in GARBLED:
        return Message(_key(number), event, own)
    values = {End.NOT_UTF8: b"\xff\x00" + event, End.NO_VALUE: None, End.NO_EVENT: b'{"a": 1}'}
    other = ((h.CE_TYPE, NotesStored.ce_type.encode()),) if end is End.OTHER_TYPE else ()
    # Of a header told more than once, the last counts.
    headers = (*own, (h.CE_TYPE, ChunkReady.ce_type.encode()), *ODD_HEADERS, *other)
    return Message(b"\xfe" + _key(number), values.get(end, event), headers)


def read_letter(record: Any) -> tuple[int, Message, dict[str, bytes]]:
    """Return a dead letter's message number, original record and added headers."""
    headers, added = split_headers(record.headers)
    number = int(dict(headers)[NUMBER])
    return number, Message(record.key, record.value, headers), dict(added)


def _key(number: int) -> bytes:
    return key(number).encode()
