"""WebVTT as Zoom, Teams and others export it."""

from __future__ import annotations

import pytest

from contracts.transcript import TranscriptFormat, WordTiming
from transcripts import EmptyTranscriptError, MalformedTranscriptError
from unit.transcripts.reading_support import read, said

ZOOM = """WEBVTT

1
00:00:01.000 --> 00:00:03.000
Jane Doe: Hi there, this
is wrapped.

2
00:00:03.000 --> 00:00:04.500
Jane Doe: One thing: I like it.

3
00:00:04.250 --> 00:00:05.000
Ben Okri: Um, so do I.
"""
TEAMS = """WEBVTT

0:0:0.570 --> 0:0:9.0
<v Jane Doe>We pay &lt; $40 &amp; that's <i>fine</i>.</v>

0:0:8.30 --> 0:0:10.5
<v Ben Okri>Right.</v>
"""


def cue(payload: str) -> str:
    return f"WEBVTT\n\n00:01.000 --> 00:02.000\n{payload}\n"


def test_reads_zooms_names_and_merges_a_speakers_cues() -> None:
    reading = read(ZOOM)
    assert reading.format is TranscriptFormat.WEBVTT
    assert reading.notices == ()
    assert said(reading) == [
        ("Jane Doe", "Hi there, this is wrapped. One thing: I like it."),
        ("Ben Okri", "Um, so do I."),
    ]


def test_gives_each_cue_its_times_at_its_first_character() -> None:
    first, second = read(ZOOM).segments
    assert (first.start_ms, first.end_ms) == (1_000, 4_500)
    assert first.words == (
        WordTiming(offset=0, start_ms=1_000, end_ms=3_000),
        WordTiming(offset=27, start_ms=3_000, end_ms=4_500),
    )
    assert first.text[27:].startswith("One thing")
    assert (second.start_ms, second.end_ms) == (4_250, 5_000)


def test_reads_teams_voices_and_unpadded_overlapping_times() -> None:
    reading = read(TEAMS)
    assert said(reading) == [("Jane Doe", "We pay < $40 & that's fine."), ("Ben Okri", "Right.")]
    assert [(one.start_ms, one.end_ms) for one in reading.segments] == [
        (570, 9_000),
        (8_300, 10_500),
    ]
    assert reading.notices == ()


def test_reads_the_same_with_a_byte_order_mark_and_any_line_ends() -> None:
    for content in (ZOOM, TEAMS):
        assert read("\ufeff" + content.replace("\n", "\r\n")) == read(content)
        assert read(content.replace("\n", "\r")) == read(content)


def test_passes_over_header_notes_styles_and_regions_without_a_word() -> None:
    content = (
        "WEBVTT - made by hand\nKind: captions\n\nNOTE Jane: no speech\nnor this\n\n"
        "STYLE\n::cue { color: red }\n\nREGION\nid:fred\n\n"
        "00:01.000 --> 00:02.000 align:start position:10%\nHello.\n"
    )
    assert said(read(content)) == [("Speaker", "Hello.")]
    assert read(content).notices == ()


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("<c.loud.red>Hee!</c> <b>no</b>", "Hee! no"),
        ("<lang en-GB>Colour</lang>", "Colour"),
        ("<00:01.100>One <00:01.500>two", "One two"),
        ("<ruby>No<rt>way</rt></ruby>", "Noway"),
        ("It&rlm;&lrm;s&nbsp;&gt; &amp;lt;", "Its > &lt;"),
        ("<laughs> 5 < 6 > 4 &unknown;", "<laughs> 5 < 6 > 4 &unknown;"),
        ("<b>not closed", "not closed"),
        ("cut <c", "cut <c"),
    ],
)
def test_takes_away_markup_and_nothing_else(payload: str, text: str) -> None:
    assert said(read(cue(payload))) == [("Speaker", text)]


def test_tells_apart_two_voices_in_one_cue() -> None:
    reading = read(cue("<v.loud Ann Lee>Yes.</v> <v Ben>No,\nnever."))
    assert said(reading) == [("Ann Lee", "Yes."), ("Ben", "No, never.")]
    assert [one.start_ms for one in reading.segments] == [1_000, 1_000]


def test_attributes_words_outside_of_any_voice_to_nobody() -> None:
    reading = read(cue("<v Joe>Hee!</v> Hee!"))
    assert said(reading) == [("Joe", "Hee!"), ("Speaker", "Hee!")]
    assert reading.notices == ("1 passage names no speaker and is attributed to “Speaker”",)


def test_does_not_take_speech_with_a_colon_for_a_name() -> None:
    content = cue("So: here is the thing: it works.") + "\n00:02.000 --> 00:03.000\nAnd more.\n"
    assert said(read(content)) == [("Speaker", "So: here is the thing: it works. And more.")]


def test_sorts_cues_out_of_order_and_says_so() -> None:
    content = (
        "WEBVTT\n\n00:05.000 --> 00:06.000\nAnn: two\n\n00:01.000 --> 00:02.000\nBen: one\n\n"
        "00:03.000 --> 00:04.000\nAnn: and\n"
    )
    reading = read(content)
    assert said(reading) == [("Ben", "one"), ("Ann", "and two")]
    assert reading.notices == ("2 cues were out of order and were sorted by their start times",)


def test_ends_a_cue_at_its_start_where_its_end_is_earlier() -> None:
    reading = read("WEBVTT\n\n00:05.000 --> 00:04.000\nHello.\n")
    assert (reading.segments[0].start_ms, reading.segments[0].end_ms) == (5_000, 5_000)
    assert reading.notices == ("1 time ended before it began; its end was set to its start",)


def test_says_what_it_passed_over() -> None:
    content = cue("Hello.") + "\nlost words\n\n00:03.000 --> 00:04.000\n\n00:05.000 --> 00:06.000\n"
    reading = read(content)
    assert said(reading) == [("Speaker", "Hello.")]
    assert reading.notices == (
        "2 cues without text were passed over",
        "1 block of text without a time was passed over",
    )


@pytest.mark.parametrize(
    "timing", ["00.00.000 --> 00:02.000", "00:00.000 --> soon", "00:75.000 --> 00:80.000"]
)
def test_names_the_line_of_a_time_that_cannot_be_read(timing: str) -> None:
    with pytest.raises(MalformedTranscriptError, match="line 5") as caught:
        read(f"WEBVTT\n\nNOTE x\n\n{timing}\nHello.\n")
    assert caught.value.line == 5
    assert "Hello" not in str(caught.value)


def test_keeps_an_arrow_that_was_said() -> None:
    assert said(read(cue("from A --> B"))) == [("Speaker", "from A --> B")]


def test_refuses_a_file_without_words() -> None:
    with pytest.raises(EmptyTranscriptError):
        read("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann></v>\n")


def test_refuses_a_file_said_to_be_webvtt_that_is_not() -> None:
    with pytest.raises(MalformedTranscriptError, match="begins with WEBVTT"):
        read("Ann: hello", TranscriptFormat.WEBVTT)
