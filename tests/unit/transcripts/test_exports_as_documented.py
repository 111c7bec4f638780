"""Exports of services as their documentation and public samples have them."""

from __future__ import annotations

import json
from typing import Any

from unit.transcripts.reading_support import read, said


def starts(content: str) -> list[int | None]:
    return [one.start_ms for one in read(content).segments]


def test_a_transcript_that_people_made_for_rev_has_clock_times() -> None:
    elements = [
        [{"type": "text", "value": "What do you sell?", "timestamp": "00:00:00,640",
          "end_timestamp": "00:00:02,120"}],
        [{"type": "text", "value": "Bread.", "timestamp": "01:00:02,500",
          "end_timestamp": "01:00:03,000"}, {"type": "tag", "value": "<laugh>"}],
    ]  # fmt: skip
    content = json.dumps(
        {
            "speakers": [{"id": 0, "name": "Ida"}, {"id": 1, "name": "Otto"}],
            "monologues": [{"speaker": at, "elements": one} for at, one in enumerate(elements)],
        }
    )
    assert [who for who, _ in said(read(content))] == ["Ida", "Otto"]
    assert starts(content) == [640, 3_602_500]


def test_words_of_trint_may_name_their_speakers_and_paragraphs() -> None:
    def words(who: str, para: str, text: str, begin: int) -> list[dict[str, Any]]:
        return [
            {"name": word, "time": begin + 300 * at, "duration": 200, "speaker": who, "para": para}
            for at, word in enumerate(text.split())
        ]

    content = json.dumps(
        {
            "transcript": {
                "words": [
                    *words("f4", "p0-0", "How can I help?", 1_120),
                    *words("0a", "p1-0", "My meter reads 17.", 5_980),
                    *words("f4", "p2-0", "I see.", 9_000),
                ],
                "speakers": [{"id": "f4", "name": "Lucy Marsh"}, {"id": "0a", "name": "Caller"}],
            }
        }
    )
    reading = read(content)
    assert reading.report.doubts == ()
    assert said(reading) == [
        ("Lucy Marsh", "How can I help?"),
        ("Caller", "My meter reads 17."),
        ("Lucy Marsh", "I see."),
    ]
    assert starts(content) == [1_120, 5_980, 9_000]


def test_a_time_within_a_paragraph_of_otranscribe_is_no_word() -> None:
    def time(shown: str, exact: str) -> str:
        return f'<span class="timestamp" data-timestamp="{exact}">{shown}</span>'

    within = time("0:13", "13.02")
    paragraphs = (
        f"<p>{time('0:02', '2.0')}&nbsp;<b>Ida:</b> Since when?</p>",
        f"<p>{time('0:06', '6.0')}&nbsp;<b>Otto:</b> Since 1988. {within} We had papers only.</p>",
        f"<p>{time('0:21', '21.0')}&nbsp;<b>Ida:</b> And today?</p>",
    )
    content = json.dumps({"text": "".join(paragraphs), "media": "a.mp3", "media-time": 1})
    assert said(read(content)) == [
        ("Ida", "Since when?"),
        ("Otto", "Since 1988. We had papers only."),
        ("Ida", "And today?"),
    ]
    assert starts(content)[:2] == [2_000, 6_000]


def test_what_google_writes_below_a_transcript_is_nobodys_speech() -> None:
    talk = "Ida: How was it?\nOtto: Slow.\nIda: Why?\nOtto: Snow.\n"
    below = (
        "\nTranscription ended after 00:07:41\n\nThis editable transcript was computer generated"
    )
    reading = read(talk + below)
    assert said(reading)[-1] == ("Otto", "Snow.")
