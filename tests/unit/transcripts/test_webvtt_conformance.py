"""The cue parser beside the tests of another WebVTT parser, on its own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transcripts import MalformedTranscriptError
from transcripts.captions.webvtt import iter_webvtt_cues
from transcripts.notices import Notices
from unit.transcripts.reading_support import SHARED, shared

FOLDER = SHARED / "webvtt"
DEVIATIONS = {
    "cue-times/fraction-digits": "a short fraction is read as Teams means it, not discarded",
    "cue-times/incorrect-delimiter": "a broken time is refused with its line, not passed over",
    "integration/id": "after a bare arrow the next cue is read, as the standard has it",
}
COMPARED = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json")
)


def cues_of(path: Path) -> list[tuple[int, int, str, str]]:
    content = path.read_text(encoding="utf-8", errors="replace")
    cues = iter_webvtt_cues(content, Notices())
    return [(cue.start_ms, cue.end_ms, cue.id, cue.payload) for cue in cues]


def expected_of(path: Path) -> list[tuple[int, int, str, str]]:
    cues = json.loads(path.read_text(encoding="utf-8"))["cues"]
    return [
        (round(cue["startTime"] * 1_000), round(cue["endTime"] * 1_000), cue["id"], cue["text"])
        for cue in cues
    ]


@pytest.mark.parametrize("name", [name for name in COMPARED if name not in DEVIATIONS])
def test_finds_the_cues_another_parser_finds(name: str) -> None:
    folder = shared("webvtt")
    assert cues_of(folder / f"{name}.vtt") == expected_of(folder / f"{name}.json")


def test_the_files_to_compare_are_there() -> None:
    shared("webvtt")
    assert len(COMPARED) == 73
    assert set(DEVIATIONS) < set(COMPARED)


def test_deviates_in_a_short_fraction() -> None:
    cues = cues_of(shared("webvtt") / "cue-times/fraction-digits.vtt")
    assert cues == [(0, 2_000, "", "Text")]


def test_deviates_in_a_broken_time() -> None:
    with pytest.raises(MalformedTranscriptError, match="line 3"):
        cues_of(shared("webvtt") / "cue-times/incorrect-delimiter.vtt")


def test_deviates_after_a_bare_arrow() -> None:
    folder = shared("webvtt")
    found = cues_of(folder / "integration/id.vtt")
    expected = expected_of(folder / "integration/id.json")
    assert [cue for cue in found if cue not in expected] == [(4_000, 5_000, "-->", "Test")]
    assert [cue for cue in found if cue in expected] == expected
