"""Files with a secret that only their owner may read, made whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""Mode of files with secrets or with what people said: their owner reads and writes them."""

PRIVATE_FOLDER: Final = 0o700
"""Mode of folders with such files: their owner alone passes."""

SHARED: Final = 0o444
"""Mode of a secret that another user's program reads, in a place that only these programs see."""


def read_or_create_private_file(file: Path, generate: Callable[[], str]) -> str:
    """Read the text of a file; if the file is missing, create it, readable only by its owner.

    It ends without a newline, so that programs that strip nothing read the same.

    Of several processes that make it at once, all return what one of them has generated. A process
    that is killed leaves the whole file or none.

    Args:
        file: its folder is made too, for its owner alone, if it is not there.
        generate: returns the text of a new file.

    Raises:
        OSError: the file can neither be read nor made.
        ValueError: it is empty, or not UTF-8.
    """
    if (text := _read(file)) is not None:
        return text
    file.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(generate())
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):  # another process was first
            os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    text = _read(file)
    assert text is not None, "it was linked, or was there"
    return text


def _read(file: Path) -> str | None:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    if not text:
        raise ValueError(f"{file} is empty: delete it, and a new one is made")
    return text
