"""Settings of the C library's allocator that return freed memory to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 256 * 1024


def configure_memory_release() -> None:
    """Configure glibc to return large freed blocks of memory to the operating system at once.

    glibc raises the size from which it does so up to 32 MiB, once a block of that size was freed,
    and then keeps what lies between smaller ones, in as many heaps as there are threads: a service
    that has handled a few large messages would stay as large as all of them. Elsewhere than on
    glibc this does nothing.
    """
    if sys.platform != "linux":
        return
    with suppress(AttributeError):  # musl has no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, 1)
