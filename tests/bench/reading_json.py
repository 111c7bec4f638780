"""Vendors' JSON read into turns with word times, beside decoding the JSON alone."""

from __future__ import annotations

import json
from typing import Final

from bench import made_up_talk
from bench.harness import Lab, Result
from bench.reading_sides import Read, optional, ours, rates

WITHOUT_BROKER: Final = True

GOAL: Final = 20.0
"""MB/s a core."""
WORDS: Final = 15_000
"""An hour and a half of talk."""


async def measure(lab: Lab) -> Result:
    """Megabytes a second of CPU time, over five vendors' shapes of one talk."""
    words = made_up_talk.talk(lab.scaled(WORDS))
    files = {
        "deepgram": made_up_talk.deepgram(words),
        "assemblyai": made_up_talk.assemblyai(words),
        "aws": made_up_talk.aws(words),
        "whisperx": made_up_talk.whisperx(words),
        "rev": made_up_talk.rev(words),
    }
    sides: dict[str, Read] = {"ours": ours, "json.loads alone": json.loads}
    orjson, note = optional("orjson", lambda module: module.loads)
    if orjson is not None:
        sides["orjson.loads alone"] = orjson
    found = rates(files, sides, lab.scaled(7, least=2))
    return Result(
        figure=found["ours"].total,
        goal=GOAL,
        better="higher",
        unit="MB of JSON a second of CPU time, read into turns",
        sides={name: one.figures() for name, one in found.items()},
        notes=tuple(filter(None, [note])),
    )
