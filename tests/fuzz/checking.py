"""What has to hold of every input: a sound reading or a typed error, in time and in memory."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Final

from contracts.errors import BadMessageError
from transcripts import read_transcript, split_into_chunks
from transcripts.files.decoding import decode_file

LONGEST_S: Final = 10.0
"""CPU seconds for one input of at most 64 KiB, above which it is a hang; far above the slowest."""
MEMORY_FACTOR: Final = 20
"""Bytes of memory that a byte of input may take."""
MEMORY_BASE: Final = 100 * 1024 * 1024
"""Bytes of memory that any input may take, whatever its size."""


class HangError(Exception):
    """An input took longer than ``LONGEST_S``."""


def check(data: bytes) -> None:
    """Read an input.

    Raises:
        AssertionError: what was read is not sound.
        HangError: it took too long.
        MemoryError: it took more than ``limited_memory`` allows.
        Exception: whatever else a reader raised that is no ``BadMessageError``.
    """
    with _time_limit():
        try:
            reading = read_transcript(decode_file(data).text)
        except BadMessageError:
            return
    segments = reading.segments
    assert [one.number for one in segments] == list(range(1, len(segments) + 1))
    for one in segments:
        assert one.text
        assert one.text == " ".join(one.text.split())
        offsets = [word.offset for word in one.words]
        assert all(left < right for left, right in pairwise(offsets))
        assert all(not one.text[offset].isspace() for offset in offsets)
        one.model_dump_json()
    split_into_chunks(segments)


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise HangError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def limited_memory(largest_input: int) -> Iterator[None]:
    """Let this process take no more than now, and what an input of that size may take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = _address_space()
    allowed = now + MEMORY_BASE + MEMORY_FACTOR * largest_input
    resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()
