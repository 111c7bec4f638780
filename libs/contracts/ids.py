"""Deterministic ids: UUIDv5 of what they identify, so equal input gives equal ids."""

from __future__ import annotations

from hashlib import sha1
from typing import Final
from uuid import UUID, uuid5

NAMESPACE = UUID("5a8ff6a1-0a66-5d0a-9f6e-6f6e72656301")
"""The namespace of every id onrecord derives. Changing it would change every id."""

UUID_PATTERN: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""A regular expression for a UUID in its usual form."""


def derive_id(kind: str, *parts: object) -> UUID:
    """Derive a UUIDv5 from a kind of object, such as "chunk", and its identifying values.

    Args:
        kind: what is identified, such as ``"chunk"``; equal parts of another kind give another id.
        parts: the identifying values, in order; each is taken by its ``str``.

    Returns:
        A UUIDv5 (RFC 9562, section 5.5) in onrecord's namespace.
    """
    return uuid5(NAMESPACE, "\x1f".join((kind, *map(str, parts))))


def derive_id_text(kind: str, *parts: bytes) -> str:
    """Derive the same UUIDv5 as ``derive_id``, but from bytes and as text, which is faster.

    ``derive_text("event", b"a", b"b") == str(derive("event", "a", "b"))``.
    """
    name = b"\x1f".join((kind.encode(), *parts))
    text = sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


_NAMESPACE = NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit that says which variant of UUID it is: its upper two bits are 10 (RFC 9562, 4.1)."""


def derive_transcript_id(study_id: str, source: str) -> UUID:
    """Derive the id of an interview from its study and its source."""
    return derive_id("transcript", study_id, source)


def derive_chunk_id(transcript: UUID, revision: int, content_sha256: str, index: int) -> UUID:
    """Derive the id of a chunk from its interview, revision, content hash and position."""
    return derive_id("chunk", transcript, revision, content_sha256, index)
