"""Encoding of finished offsets and the log's identity in a commit's metadata.

::

    2;1f4;Kx3vPq0a.9dTz41Ww;7;rAQID
    │  │      │       │     │ └ finished beyond: ``r`` for runs, ``b`` for a bitmap, then base64
    │  │      │       │     └── the partition's leader epoch, or nothing
    │  │      │       └──────── the topic's id, hashed
    │  │      └──────────────── the cluster's id, hashed
    │  └─────────────────────── the committed offset itself, in hexadecimal
    └────────────────────────── the version of this form

Tools that copy commits, such as MirrorMaker, translate offsets but copy metadata unchanged. So the
metadata contains the offset it was written for, and is ignored with any other.

Finished offsets are relative to the committed one, as a bitmap or as the lengths of alternating
runs (unfinished, finished, …) in LEB128 varints, whichever describes more::

    committed 7, finished 8-9 and 11-13
    offset    7 8 9 10 11 12 13
    bitmap    0 1 1 0  1  1  1     one bit an offset, lowest bit first: good for many short gaps
    runs      1 2 1 3              one or more bytes a run: good for few long ones

What does not fit is left out from the far end: those messages may be processed again.
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

from messaging.consumer.offsets import MAX_DISTANCE

MAX_CHARACTERS: Final = 4_096
"""Most characters that a broker accepts by default (``offset.metadata.max.bytes``)."""

VERSION: Final = "2"
BITMAP: Final = "b"
RUNS: Final = "r"

_PARTS: Final = 5
_HASH_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Identity of a partition's log, which changes if the topic or cluster is recreated.

    Attributes:
        cluster: hash of the cluster's id; empty if the broker does not report it.
        topic: hash of the topic's id, which changes when the topic is recreated; or empty.
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
class CommitMetadata:
    """Metadata of an offset commit: the log's identity, and finished offsets after the commit.

    Attributes:
        log: the log that the commit was made of.
        finished: offsets finished beyond the commit, in increasing order.
    """

    log: LogIdentity = UNKNOWN_LOG
    finished: tuple[range, ...] = ()

    def __contains__(self, offset: object) -> bool:
        """Return whether an offset is among the finished ones."""
        if not isinstance(offset, int):
            return False
        at = bisect_right(self.finished, offset, key=lambda one: one.start)
        return at > 0 and offset in self.finished[at - 1]


NO_METADATA: Final = CommitMetadata()


def encode_commit_metadata(
    offset: int,
    finished: Iterable[range],
    log: LogIdentity = UNKNOWN_LOG,
    limit: int = MAX_CHARACTERS,
) -> str:
    """Encode offset commit metadata: the log's identity, and finished offsets after the commit.

    Args:
        offset: the committed offset; itself unfinished.
        finished: finished offsets beyond it, in increasing order, not touching each other.
        log: the log it is an offset of.
        limit: most characters that the broker accepts.

    Returns:
        At most ``limit`` characters: as much as fits, from the committed offset on; empty if there
        is nothing to encode, or not even the identity fits.
    """
    epoch = str(log.epoch) if log.epoch >= 0 else ""
    head = f"{VERSION};{offset:x};{log.cluster}.{log.topic};{epoch};"
    # Base64 takes 4 characters for 3 bytes; one more character names the form.
    room = (limit - len(head) - 1) // 4 * 3
    form = _shortest(offset, finished, room) if room > 0 else ""
    if len(head) > limit or (not form and log == UNKNOWN_LOG):
        return ""
    return head + form


def decode_commit_metadata(offset: int, metadata: str | None) -> CommitMetadata:
    """Decode offset commit metadata; return ``NO_METADATA`` if other software wrote it.

    Args:
        offset: the committed offset that the metadata came with.
        metadata: ignored unless ``encode_commit_metadata`` made it for this very offset: it may
            be another client's, of an older version, or copied to a translated offset.
    """
    parts = (metadata or "").split(";")
    if len(parts) != _PARTS or parts[0] != VERSION or len(metadata or "") > MAX_CHARACTERS:
        return NO_METADATA
    _, written_for, ids, epoch, form = parts
    if written_for != f"{offset:x}":
        return NO_METADATA
    cluster, _, topic = ids.partition(".")
    log = LogIdentity(cluster, topic, int(epoch) if epoch.isascii() and epoch.isdigit() else -1)
    try:
        return CommitMetadata(log, tuple(_read(offset, form)))
    except ValueError:
        # Without finished offsets messages are repeated, which is safe; the log's identity is still
        # needed to find out whether the offset itself can be trusted.
        return CommitMetadata(log)


def _short(identifier: bytes) -> str:
    # Eight characters (48 bits) of a hash distinguish the few clusters and topics there are, and
    # leave the room for finished offsets. An all-zero id is Kafka's "no id".
    if not identifier.strip(b"\0"):
        return ""
    return urlsafe_b64encode(sha256(identifier).digest())[:_HASH_CHARACTERS].decode()


def _shortest(offset: int, finished: Iterable[range], room: int) -> str:
    """Return the form that describes more offsets, or the shorter one if both describe as many."""
    relative = list(_relative(offset, finished, room))
    runs, described_by_runs = _runs(relative, room)
    bits, described_by_bitmap = _bitmap(relative, room)
    if not described_by_runs and not described_by_bitmap:
        return ""
    if (described_by_runs, -len(runs)) >= (described_by_bitmap, -len(bits)):
        return RUNS + b64encode(runs).decode()
    return BITMAP + b64encode(bits).decode()


def _relative(offset: int, finished: Iterable[range], room: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of finished ranges relative to ``offset``, as many as may fit."""
    # Each range takes two bits of a bitmap at least (one unfinished, one finished), so more than
    # room * 8 / 2 ranges never fit, in either form.
    for one in islice(finished, room * 4):
        begin, end = one.start - offset, min(one.stop - offset, MAX_DISTANCE)
        if begin < end:
            yield max(begin, 0), end


def _runs(relative: list[tuple[int, int]], room: int) -> tuple[bytes, int]:
    """Return the run lengths as bytes, and how many finished offsets they encode."""
    out, at, described = bytearray(), 0, 0
    for begin, end in relative:
        more = _varint(begin - at) + _varint(end - begin)
        if len(out) + len(more) > room:
            break
        out += more
        at = end
        described += end - begin
    return bytes(out), described


def _bitmap(relative: list[tuple[int, int]], room: int) -> tuple[bytes, int]:
    """Return a bitmap of offsets as bytes, and how many finished offsets it encodes."""
    digits, at, described = list[str](), 0, 0
    for begin, end in relative:
        last = min(end, room * 8)
        if begin >= last:
            break
        digits.append("0" * (begin - at) + "1" * (last - begin))
        at = last
        described += last - begin
    if not digits:
        return b"", 0
    # One conversion of a string of digits is far quicker than setting thousands of bits.
    bits = int("".join(digits)[::-1], 2)
    return bits.to_bytes((at + 7) // 8, "little"), described


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
        # Metadata is input: a forged length must not make a range of billions of offsets.
        if at + length > MAX_DISTANCE:
            raise ValueError("the runs exceed the largest distance")
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
