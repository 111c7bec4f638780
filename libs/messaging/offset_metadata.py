"""What is finished beyond a committed offset, as text that fits into the commit's metadata.

A set of offsets is told relative to the committed one, either as a bitmap or as the lengths of
alternating runs (unfinished, finished, …) in LEB128 varints, whichever is shorter; base64 makes it
text. The first character names the form, so that another one can be added.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator
from typing import Final

LIMIT: Final = 4_096
"""Most bytes of commit metadata that a broker takes (Kafka's ``offset.metadata.max.bytes``)."""

BITMAP: Final = "b"
RUNS: Final = "r"
FARTHEST: Final = 1 << 20
"""How far beyond the committed offset is told and believed: no window holds so many messages, and
damaged metadata must not take the memory of a process."""

_WIDEST_BITMAP: Final = LIMIT * 8


def encode(offset: int, finished: Collection[int]) -> str:
    """Tell which offsets beyond a committed one are finished.

    Args:
        offset: the committed offset; itself unfinished.
        finished: finished offsets; those before ``offset`` are left out.

    Returns:
        At most ``LIMIT`` characters; empty if there is nothing to tell, or if it does not fit,
        which only means that those messages may be done again.
    """
    beyond = sorted(one - offset for one in finished if 0 <= one - offset <= FARTHEST)
    if not beyond:
        return ""
    forms = [RUNS + _text(_runs(beyond))]
    if beyond[-1] < _WIDEST_BITMAP:
        forms.append(BITMAP + _text(_bitmap(beyond)))
    shortest = min(forms, key=len)
    return shortest if len(shortest) <= LIMIT else ""


def decode(offset: int, metadata: str | None) -> frozenset[int]:
    """The finished offsets beyond a committed one.

    Args:
        offset: the committed offset.
        metadata: what ``encode`` gave; anything else, such as another client's note, counts as
            nothing.
    """
    form, text = (metadata or "")[:1], (metadata or "")[1:]
    if form not in (BITMAP, RUNS) or len(text) > LIMIT:
        return frozenset()
    try:
        data = b64decode(text, validate=True)
        relative = _from_bitmap(data) if form == BITMAP else _from_runs(data)
        return frozenset(offset + one for one in relative)
    except ValueError:
        return frozenset()


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _bitmap(beyond: list[int]) -> bytes:
    bits = 0
    for one in beyond:
        bits |= 1 << one
    return bits.to_bytes(beyond[-1] // 8 + 1, "little")


def _from_bitmap(data: bytes) -> Iterator[int]:
    bits = int.from_bytes(data, "little")
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _runs(beyond: list[int]) -> bytes:
    lengths, at = [], 0
    for first, last in _ranges(beyond):
        lengths += [first - at, last - first + 1]
        at = last + 1
    return b"".join(map(_varint, lengths))


def _ranges(beyond: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for one in beyond:
        if first >= 0 and one == last + 1:
            last = one
            continue
        if first >= 0:
            yield first, last
        first = last = one
    yield first, last


def _from_runs(data: bytes) -> Iterator[int]:
    at, finished = 0, False
    for length in _varints(data):
        if at + length > FARTHEST + 1:
            raise ValueError("the runs reach farther than any window")
        if finished:
            yield from range(at, at + length)
        at, finished = at + length, not finished


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte, LEB128
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("the last number is cut off")
