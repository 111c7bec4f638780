"""Very many blanks in a row are read as one, and cost no more than their length."""

from __future__ import annotations

import pytest

from transcripts.reading import read_transcript
from transcripts.text import LONGEST_BLANKS, shorten_blanks

MANY = 300_000
"""With time that grows with the square of it, none of these would end within an hour."""

FILES = {
    "srt": "1\n00:00:01,000 --> 00:00:02,000\nAnn: We paid{}too much\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\nBen:{}For what?{}\n",
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>We paid{}too much</v>\n\n"
    "00:03.000 --> 00:04.000\n<v Ben>{}For what?{}</v>\n",
    "text": "Ann: We paid{}too much\n\nBen:{}For what?{}\n\nAnn: The boiler.\n\nBen: I see.\n",
    "times": "[00:00:01] Ann: We paid{}too much\n[00:00:03] Ben:{}For what?{}\n"
    "[00:00:05] Ann: The boiler.\n",
    "json": '[{{"speaker": "Ann", "text": "We paid{}too much", "start": 1.0, "end": 2.0}},\n'
    '{{"speaker": "Ben", "text": "{}For what?{}", "start": 3.0, "end": 4.0}}]\n',
}


@pytest.mark.parametrize("blank", [" ", "\u00a0", " \u00a0" * 4])
@pytest.mark.parametrize("name", FILES)
def test_many_blanks_are_read_as_one(name: str, blank: str) -> None:
    expected = read_transcript(FILES[name].format(*[" "] * 3)).segments
    many = (" " * LONGEST_BLANKS + " " + blank * (MANY // len(blank)))[:MANY]
    read = read_transcript(FILES[name].format(*[many] * 3)).segments
    assert [(one.speaker, one.text, one.start_ms) for one in read] == [
        (one.speaker, one.text, one.start_ms) for one in expected
    ]


def test_a_layouts_blanks_are_kept() -> None:
    text = "Ann" + " " * LONGEST_BLANKS + "Ben\t\tCy\n" * 3
    assert shorten_blanks(text) == text
