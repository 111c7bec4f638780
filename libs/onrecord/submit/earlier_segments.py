"""Transcripts as they were read before: stored events, and what ``parse --json`` printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.transcript import Segment
from onrecord.errors import UsageError
from onrecord.submit.files import read_transcript_file

_SEGMENTS = TypeAdapter(tuple[Segment, ...])
_KEYS = ("segments", "turns")


def load_earlier_segments(file: Path, transcript: Path) -> tuple[Segment, ...]:
    """Load the segments of an earlier parse of a transcript, to compare with a new parse.

    Args:
        file: JSON: an event ``TranscriptIngested``, or what ``parse --segments --json`` printed.
        transcript: the file that was read, by whose name one of several readings is chosen.

    Raises:
        UsageError: there are no segments of that transcript in it.
    """
    try:
        document = json.loads(read_transcript_file(file).text)
        return _SEGMENTS.validate_python(_find_segments(document, transcript))
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}: not JSON: line {error.lineno:,}") from error
    except (ValidationError, RecursionError) as error:
        raise UsageError(
            f"{file}: no reading of {transcript}: it takes an event TranscriptIngested, or what "
            "`onrecord parse --segments --json` printed"
        ) from error


def _find_segments(document: Any, transcript: Path) -> Any:
    if isinstance(document, list):
        named = [one for one in document if isinstance(one, dict) and "file" in one]
        same = [one for one in named if Path(str(one["file"])).name == transcript.name]
        if same or len(named) == 1:
            return _find_segments((same or named)[0], transcript)
        return document
    if not isinstance(document, dict):
        return None
    found = next((document[key] for key in _KEYS if isinstance(document.get(key), list)), None)
    nested = next((document[key] for key in ("data", "transcript") if key in document), None)
    return found if found is not None else nested and _find_segments(nested, transcript)
