"""JSON Lines: the study, then each interview with its segments and notes, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, BinaryIO, Final

from exports.content import AddInterview, ExportedInterview, ExportedStudy

_LINE_ENDS: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}
"""Escaped, so that no reader takes them for the end of a line; to JSON they are the same."""


@contextmanager
def open_json_lines(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write one JSON object a line: the first is of ``kind`` study, the others interview."""

    def write(value: dict[str, Any]) -> None:
        line = json.dumps(value, ensure_ascii=False, default=str).translate(_LINE_ENDS)
        file.write(f"{line}\n".encode())

    write(
        {
            "kind": "study",
            "exported_at": study.exported_at.isoformat(),
            "is_exact": study.is_exact,
            "study": study.study.model_dump(mode="json"),
        }
    )

    def add(interview: ExportedInterview) -> None:
        write(
            {
                "kind": "interview",
                "transcript_id": str(interview.transcript_id),
                "revision": interview.revision,
                "title": interview.title,
                "segments": [asdict(one) for one in interview.segments],
                "notes": [one.as_json() for one in interview.notes],
            }
        )

    yield add
