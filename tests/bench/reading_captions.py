"""WebVTT and SRT read into turns with speakers, beside libraries that find cues alone."""

from __future__ import annotations

import io
import time
from typing import Any, Final

from bench import made_up_talk
from bench.harness import Lab, Result
from bench.reading_sides import Read, optional, ours, rates

WITHOUT_BROKER: Final = True

GOAL: Final = 10.0
"""MB/s a core."""
WORDS: Final = 75_000
"""Eight hours of talk."""


async def measure(lab: Lab) -> Result:
    """Megabytes a second of CPU time, over four tools' captions of one talk."""
    words = made_up_talk.talk(lab.scaled(WORDS))
    files = {
        "zoom": made_up_talk.zoom(words),
        "teams": made_up_talk.teams(words),
        "podcast srt": made_up_talk.podcast(words),
        "youtube srt": made_up_talk.youtube(words),
    }
    sides: dict[str, Read] = {"ours": ours}
    notes: list[str] = []
    for module, reader in (("pysubs2", _pysubs2), ("webvtt", _webvtt_py)):
        read, note = optional(module, reader)
        notes += [note] if note else []
        if read is not None:
            sides[f"{module}, cues alone"] = read
    found = rates(files, sides, lab.scaled(5, least=1))
    longest = max(_seconds(text) for text in files.values())
    return Result(
        figure=found["ours"].total,
        goal=GOAL,
        better="higher",
        unit="MB of captions a second of CPU time, read into turns",
        sides={name: one.figures() for name, one in found.items()},
        notes=(*notes, f"the slowest of these files, {len(words):,} words, took {longest:.2f} s"),
    )


def _seconds(text: str) -> float:
    begin = time.process_time()
    ours(text)
    return time.process_time() - begin


def _pysubs2(module: Any) -> Read:
    read: Read = module.SSAFile.from_string
    return read


def _webvtt_py(module: Any) -> Read:
    def read(text: str) -> object:
        format_ = "vtt" if text.startswith("WEBVTT") else "srt"
        return module.from_buffer(io.BytesIO(text.encode()), format_)

    return read
