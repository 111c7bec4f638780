"""Ids are UUIDv5 of what they identify, so the same input always gives the same id."""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID, uuid5

NAMESPACE = UUID("5a8ff6a1-0a66-5d0a-9f6e-6f6e72656301")
"""The namespace of every id onrecord derives. Changing it would change every id."""


def derive(kind: str, *parts: object) -> UUID:
    """Derive the id of a thing from its kind and the parts that identify it.

    Args:
        kind: what is identified, such as ``"chunk"``; equal parts of another kind give another id.
        parts: the identifying values, in order; each is taken by its ``str``.

    Returns:
        A UUIDv5 (RFC 9562, section 5.5) in onrecord's namespace.
    """
    return uuid5(NAMESPACE, "\x1f".join((kind, *map(str, parts))))


def derive_text(kind: str, *parts: bytes) -> str:
    """As ``derive``, from bytes and to text; for what is derived once a message.

    ``derive_text("event", b"a", b"b") == str(derive("event", "a", "b"))``.
    """
    name = b"\x1f".join((kind.encode(), *parts))
    text = sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


_NAMESPACE = NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit that says which variant of UUID it is: its upper two bits are 10 (RFC 9562, 4.1)."""


def transcript_id(study_id: str, source: str) -> UUID:
    """The id of the interview that ``source`` (a file name, a vendor's id) names within a study."""
    return derive("transcript", study_id, source)


def chunk_id(transcript: UUID, revision: int, content_sha256: str, index: int) -> UUID:
    """The id of the chunk ``index`` (from 1) of one revision's content."""
    return derive("chunk", transcript, revision, content_sha256, index)
