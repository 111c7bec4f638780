"""Temporary folders for the data of servers that tests start."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

IN_MEMORY: Final = Path("/dev/shm")
ROOM: Final = 6 * 1024**3
"""Free bytes that memory must have: a database takes some 10 MB, its log up to a GiB."""


def make_data_folder(prefix: str) -> Path:
    """Make a temporary folder, in memory where tests run and there is room; the caller deletes it.

    Each test has a database of its own, of hundreds of files. A disk's file system may be slow to
    reuse what was deleted (ext4 without a journal is). Benchmarks stay on the disk, as
    installations do.
    """
    return Path(tempfile.mkdtemp(prefix=prefix, dir=IN_MEMORY if _fits_into_memory() else None))


def _fits_into_memory() -> bool:
    if "PYTEST_VERSION" not in os.environ:
        return False
    try:
        return shutil.disk_usage(IN_MEMORY).free >= ROOM and os.access(IN_MEMORY, os.W_OK)
    except OSError:
        return False
