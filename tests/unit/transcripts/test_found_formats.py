"""Small files of shapes that people report in public trackers, with what should come out."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from onrecord.errors import UsageError
from onrecord.submit.files import read_transcript_text
from transcripts import TranscriptError, read_transcript
from unit.transcripts.reading_support import SHARED, shared

FOLDER = SHARED / "found" / "formats"
CASES = sorted(path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json"))
TOLERANCE_MS = 20
REFUSALS = (TranscriptError, UsageError)
Turn = dict[str, Any]


def name_of(speaker: str) -> str:
    bare = re.sub(r"[^\w]+", " ", speaker.casefold()).strip()
    return re.sub(r"^(speaker|spk) ", "speaker ", bare)


def merged(turns: list[Turn]) -> list[tuple[str, str, int | None]]:
    made: list[tuple[str, str, int | None]] = []
    for turn in turns:
        said = " ".join(turn["text"].split())
        if made and made[-1][0] == name_of(turn["speaker"]):
            made[-1] = (made[-1][0], f"{made[-1][1]} {said}", made[-1][2])
        else:
            made.append((name_of(turn["speaker"]), said, turn.get("start_ms")))
    return made


@pytest.mark.parametrize("case", CASES)
def test_reads_what_people_have_or_says_why_not(case: str) -> None:
    folder = shared("found") / "formats"
    described = json.loads((folder / f"{case}.expected.json").read_text("utf-8"))
    expected = described.get("expected", described.get("expected_if_supported"))
    (file,) = (one for one in folder.glob(f"{case}.*") if not one.name.endswith("expected.json"))
    if expected.get("refused"):
        may_be_read = nullcontext() if expected.get("or_read") else pytest.raises(REFUSALS)
        with suppress(*REFUSALS), may_be_read:
            read_transcript(read_transcript_text(Path(file)))
        return
    reading = read_transcript(read_transcript_text(Path(file)))
    found = merged([segment.model_dump() for segment in reading.segments])
    wanted = merged(expected["turns"])
    assert [one[:2] for one in found] == [one[:2] for one in wanted]
    for (_, _, start_ms), (_, _, wanted_ms) in zip(found, wanted, strict=True):
        if wanted_ms is not None:
            assert start_ms is not None
            assert abs(start_ms - wanted_ms) <= TOLERANCE_MS
