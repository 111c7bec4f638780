"""What goes along with a committed offset as text: which log it is of, and what is done beyond it.

::

    2;1f4;Kx3vPq0a.9dTz41Ww;7;rAQID
    │  │      │       │     │ └ finished beyond: ``r`` for runs, ``b`` for a bitmap, then base64
    │  │      │       │     └── the partition's leader epoch, or nothing
    │  │      │       └──────── the topic's id, hashed
    │  │      └──────────────── the cluster's id, hashed
    │  └─────────────────────── the committed offset itself, in hexadecimal
    └────────────────────────── the version of this form

Tools that copy commits, such as MirrorMaker, translate offsets and copy the text as it is. So the
text carries the offset it was written for, and with any other one it counts as nothing.

Finished offsets are told relative to the committed one, as a bitmap or as the lengths of
alternating runs (unfinished, finished, …) in LEB128 varints. What does not fit is left out from the
far end: it may be done again.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Final

from messaging.consumer.offsets import FARTHEST

LIMIT: Final = 4_096
"""Most characters that a broker takes unless told otherwise (``offset.metadata.max.bytes``)."""

VERSION: Final = "2"
BITMAP: Final = "b"
RUNS: Final = "r"

_PARTS: Final = 5
_HASH_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log an offset belongs to; offsets of another one mean nothing.

    Attributes:
        cluster: stands for the cluster's id; empty if the broker does not tell.
        topic: stands for the topic's id, which changes when the topic is created anew; or empty.
        epoch: the leader epoch the partition had; it grows when a leader is elected. -1 if unknown.
    """

    cluster: str = ""
    topic: str = ""
    epoch: int = -1

    @classmethod
    def of(cls, cluster_id: str, topic_id: bytes, epoch: int) -> LogIdentity:
        """Return the identity with ids shortened."""
        return cls(_short(cluster_id.encode()), _short(topic_id), epoch)


UNKNOWN_LOG: Final = LogIdentity()


@dataclass(frozen=True, slots=True)
class Account:
    """What an earlier owner has told of a partition.

    Attributes:
        log: which log it was about.
        finished: what it had finished beyond its commit, in increasing order.
    """

    log: LogIdentity = UNKNOWN_LOG
    finished: tuple[range, ...] = ()

    def __contains__(self, offset: object) -> bool:
        """Whether an offset is told as finished."""
        if not isinstance(offset, int):
            return False
        at = bisect_right(self.finished, offset, key=lambda one: one.start)
        return at > 0 and offset in self.finished[at - 1]


NOTHING: Final = Account()


def encode(
    offset: int,
    finished: Iterable[range],
    log: LogIdentity = UNKNOWN_LOG,
    limit: int = LIMIT,
) -> str:
    """Write down which log a commit is of, and which offsets beyond it are finished.

    Args:
        offset: the committed offset; itself unfinished.
        finished: finished offsets beyond it, in increasing order, not touching each other.
        log: the log it is an offset of.
        limit: most characters the broker takes.

    Returns:
        At most ``limit`` characters: as much as fits, from the committed offset on; empty if there
        is nothing to tell, or not even the identity fits.
    """
    epoch = str(log.epoch) if log.epoch >= 0 else ""
    head = f"{VERSION};{offset:x};{log.cluster}.{log.topic};{epoch};"
    room = (limit - len(head) - 1) // 4 * 3
    form = _shortest(offset, finished, room) if room > 0 else ""
    if len(head) > limit or (not form and log == UNKNOWN_LOG):
        return ""
    return head + form


def decode(offset: int, metadata: str | None) -> Account:
    """Read what ``encode`` wrote.

    Args:
        offset: the committed offset that the text came with.
        metadata: anything else than what ``encode`` gave for this very offset counts as nothing:
            another client's note, an older form, a text that was copied to a translated offset.
    """
    parts = (metadata or "").split(";")
    if len(parts) != _PARTS or parts[0] != VERSION or len(metadata or "") > LIMIT:
        return NOTHING
    _, told, ids, epoch, form = parts
    if told != f"{offset:x}":
        return NOTHING
    cluster, _, topic = ids.partition(".")
    log = LogIdentity(cluster, topic, int(epoch) if epoch.isascii() and epoch.isdigit() else -1)
    try:
        return Account(log, tuple(_read(offset, form)))
    except ValueError:
        return Account(log)


def _short(identifier: bytes) -> str:
    if not identifier.strip(b"\0"):
        return ""
    return urlsafe_b64encode(sha256(identifier).digest())[:_HASH_CHARACTERS].decode()


def _shortest(offset: int, finished: Iterable[range], room: int) -> str:
    """Return the shorter form if both tell the same, else the one that tells more."""
    relative = list(_relative(offset, finished, room))
    runs, told_by_runs = _runs(relative, room)
    bits, told_by_bitmap = _bitmap(relative, room)
    if not told_by_runs and not told_by_bitmap:
        return ""
    if (told_by_runs, -len(runs)) >= (told_by_bitmap, -len(bits)):
        return RUNS + b64encode(runs).decode()
    return BITMAP + b64encode(bits).decode()


def _relative(offset: int, finished: Iterable[range], room: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of finished ranges, as many as any form could tell."""
    for one in islice(finished, room * 4):  # a bit for each of two offsets, at most
        begin, end = one.start - offset, min(one.stop - offset, FARTHEST)
        if begin < end:
            yield max(begin, 0), end


def _runs(relative: list[tuple[int, int]], room: int) -> tuple[bytes, int]:
    """Return the lengths of runs as bytes, and how many finished offsets they tell."""
    out, at, told = bytearray(), 0, 0
    for begin, end in relative:
        more = _varint(begin - at) + _varint(end - begin)
        if len(out) + len(more) > room:
            break
        out += more
        at = end
        told += end - begin
    return bytes(out), told


def _bitmap(relative: list[tuple[int, int]], room: int) -> tuple[bytes, int]:
    """Return a bit for each offset, and how many finished ones they tell."""
    digits, at, told = list[str](), 0, 0
    for begin, end in relative:
        last = min(end, room * 8)
        if begin >= last:
            break
        digits.append("0" * (begin - at) + "1" * (last - begin))
        at = last
        told += last - begin
    if not digits:
        return b"", 0
    bits = int("".join(digits)[::-1], 2)
    return bits.to_bytes((at + 7) // 8, "little"), told


def _read(offset: int, form: str) -> Iterator[range]:
    if form[:1] not in {BITMAP, RUNS}:
        return
    try:
        data = b64decode(form[1:], validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    for begin, end in _from_bitmap(data) if form[0] == BITMAP else _from_runs(data):
        yield range(offset + begin, offset + end)


def _from_bitmap(data: bytes) -> Iterator[tuple[int, int]]:
    digits = f"{int.from_bytes(data, 'little'):b}"[::-1]
    end = 0
    while (begin := digits.find("1", end)) >= 0:
        end = digits.find("0", begin)
        end = len(digits) if end < 0 else end
        yield begin, end


def _from_runs(data: bytes) -> Iterator[tuple[int, int]]:
    at, finished = 0, False
    for length in _varints(data):
        if at + length > FARTHEST:
            raise ValueError("the runs reach farther than anything that is told")
        if finished and length:
            yield at, at + length
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
