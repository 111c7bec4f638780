"""Runs the user's text editor on a file."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from onrecord.errors import FailedError


def run_text_editor(path: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Open a file in the user's text editor, and wait until it is closed.

    Args:
        path: of the file.
        environ: names the editor: ``VISUAL``, else ``EDITOR``, else ``vi``.

    Raises:
        FailedError: the editor cannot be run or fails.
    """
    editor = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - theirs
    except (OSError, ValueError) as error:
        raise FailedError(
            f"the editor {editor} cannot be run: set EDITOR, or use --file"
        ) from error
    if ended.returncode:
        raise FailedError(f"the editor {editor} failed with {ended.returncode}")
