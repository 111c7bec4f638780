"""``parse`` reports every invisible character that was removed, and none that belongs to a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from onrecord import cli

HIDDEN: Final = {
    "\u200b": "U+200B ZERO WIDTH SPACE",
    "\u200c": "U+200C ZERO WIDTH NON-JOINER",
    "\u200d": "U+200D ZERO WIDTH JOINER",
    "\u200f": "U+200F RIGHT-TO-LEFT MARK",
    "\u202e": "U+202E RIGHT-TO-LEFT OVERRIDE",
    "\u2060": "U+2060 WORD JOINER",
    "\u2066": "U+2066 LEFT-TO-RIGHT ISOLATE",
    "\ufe0f": "U+FE0F VARIATION SELECTOR-16",
    "\ufeff": "U+FEFF ZERO WIDTH NO-BREAK SPACE",
    "\x07": "U+0007",
    "\U000e0041": "U+E0041 TAG LATIN CAPITAL LETTER A",
}
KEPT: Final = {
    "Persian": "می\u200cخواهم بروم",  # noqa: RUF001 - letters of Persian
    "Sinhala": "ශ\u0dca\u200dර\u0dd3 ලංකාව",
    "a heart": "I love \u2764\ufe0f my job",
    "a family": "here \U0001f468\u200d\U0001f469\u200d\U0001f467 we are",
    "a flag": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f of England",
}


def as_text(said: str) -> str:
    return f"Ada: What do you pay?\nBo: {said}\nAda: And then?\nBo: Nothing more.\n"


def as_captions(said: str) -> str:
    return (
        "WEBVTT\n\n00:00.000 --> 00:02.000\n<v Ada>What do you pay?\n\n"
        f"00:02.000 --> 00:04.000\n<v Bo>{said}\n"
    )


def as_json(said: str) -> str:
    turns = [
        {"speaker": speaker, "text": text, "start": at, "end": at + 9, "confidence": 1, "words": []}
        for speaker, text, at in (("Ada", "What do you pay?", 0), ("Bo", said, 10))
    ]
    return json.dumps({"utterances": turns})


FORMATS: Final = {"talk.txt": as_text, "talk.vtt": as_captions, "talk.json": as_json}
Parsed = tuple[str, dict[str, Any]]


@pytest.fixture(params=FORMATS)
def parse(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Parsed]:
    """What ``parse`` shows to people and to programs of a file in which this is said."""

    def run(said: str) -> Parsed:
        file = tmp_path / request.param
        file.write_text(FORMATS[request.param](said), encoding="utf-8")
        assert cli.run_command(["parse", str(file)]) == 0
        page = " ".join(capsys.readouterr().out.split())
        assert cli.run_command(["parse", str(file), "--segments", "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        return page, found

    return run


@pytest.mark.parametrize("sign", HIDDEN, ids=HIDDEN.values())
def test_a_character_that_hides_in_a_word_is_removed_and_reported(
    parse: Callable[[str], Parsed], sign: str
) -> None:
    page, found = parse(f"We pay{sign} sixty{sign} pounds.")
    assert found["turns"][1]["text"] == "We pay sixty pounds."
    (notice,) = found["notices"]
    assert notice.startswith(f"2 characters that are no part of the writing ({HIDDEN[sign]})")
    assert "were removed, the first in " in notice
    assert f"mended {notice}" in page


def test_each_kind_of_removed_character_is_reported_with_its_count(
    parse: Callable[[str], Parsed],
) -> None:
    page, found = parse("We \u202epay\u200b sixty\u200b pounds.")
    assert len(found["notices"]) == 2
    for words in ("1 character that is", "U+202E", "2 characters that are", "U+200B"):
        assert words in page


@pytest.mark.parametrize("said", KEPT.values(), ids=KEPT)
def test_what_decides_how_a_word_is_written_stays_and_nothing_is_reported(
    parse: Callable[[str], Parsed], said: str
) -> None:
    page, found = parse(said)
    assert found["turns"][1]["text"] == said
    assert found["notices"] == []
    assert "mended" not in page
