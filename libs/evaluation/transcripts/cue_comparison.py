"""Compare the WebVTT parser with another one's tests, with the deviations that are intended."""

from __future__ import annotations

import json
from typing import Final

from transcripts.captions.webvtt import iter_webvtt_cues
from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Notices

INTENDED_DEVIATIONS: Final = {
    "cue-times/fraction-digits": "a short fraction is read as Teams means it, not discarded",
    "cue-times/incorrect-delimiter": "a broken time is refused with its line, not passed over",
    "integration/id": "after a bare arrow the next cue is read, as the standard has it",
}
"""Files of mozilla/vtt.js' tests that are read otherwise on purpose, and why."""


def has_same_cues(content: str, expected: str) -> bool:
    """Return whether a file has the cues that another parser finds.

    Args:
        content: the file's text.
        expected: what the other parser makes of it, as JSON with ``cues``.
    """
    wanted = [
        (round(cue["startTime"] * 1_000), round(cue["endTime"] * 1_000), cue["id"], cue["text"])
        for cue in json.loads(expected)["cues"]
    ]
    try:
        cues = list(iter_webvtt_cues(content, Notices()))
    except MalformedTranscriptError:
        return False
    return wanted == [(cue.start_ms, cue.end_ms, cue.id, cue.payload) for cue in cues]
