"""A turn beyond the limit becomes several segments, and nothing is lost at the cuts."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.transcript import WordTiming
from transcripts import MAX_SEGMENT_CHARACTERS, read_transcript
from transcripts.segments.splitting import split_turn
from transcripts.text import TextSpan, join_pieces
from unit.transcripts.reading_support import said

SENTENCE = "I waited for an hour, and nobody came. "
MIB = 1024 * 1024

talk = st.text(st.sampled_from("ab .!?…”。é\u0327"), max_size=120)
moments = st.none() | st.integers(0, 9)
timed = st.lists(st.builds(TextSpan, talk, moments, moments), max_size=12)


@given(timed, st.integers(1, 40))
@example([TextSpan("a" + "\u0327" * 60)], 20)
def test_stretches_are_the_turn_and_their_words_are_its_words(
    pieces: list[TextSpan], most: int
) -> None:
    text, words = join_pieces(pieces)
    begin = 0
    found: list[WordTiming] = []
    for stretch in split_turn(text, words, most):
        assert 0 < len(stretch.text) <= most
        assert text.startswith(stretch.text, begin)
        assert stretch.text == stretch.text.strip()
        assert all(0 <= word.offset < len(stretch.text) for word in stretch.words)
        found += [one.model_copy(update={"offset": one.offset + begin}) for one in stretch.words]
        begin += len(stretch.text)
        begin += text.startswith(" ", begin)
    assert begin == len(text)
    assert tuple(found) == words


@given(timed, st.integers(1, 40))
def test_times_of_a_stretch_contain_those_of_all_it_holds(
    pieces: list[TextSpan], most: int
) -> None:
    text, words = join_pieces(pieces)
    begin = 0
    for stretch in split_turn(text, words, most):
        for place in range(begin, begin + len(stretch.text)):
            timing = next((one for one in reversed(words) if one.offset <= place), None)
            if timing is not None:
                assert stretch.start_ms is not None
                assert stretch.end_ms is not None
                assert stretch.start_ms <= timing.start_ms <= timing.end_ms <= stretch.end_ms
        begin += len(stretch.text)
        begin += text.startswith(" ", begin)


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("One two. Three four.", ["One two.", "Three four."]),
        ("A. one two three four", ["A. one two", "three four"]),
        ("“One two.” Three", ["“One two.”", "Three"]),
        ("一二三四五六。七八九十一二", ["一二三四五六。", "七八九十一二"]),
        ("abcdefghijklmnopq", ["abcdefghijkl", "mnopq"]),
        ("abcdefghijkx\u0327lm", ["abcdefghijk", "x\u0327lm"]),
        ("exactly 12 c", ["exactly 12 c"]),
        ("", []),
    ],
)
def test_cuts_behind_a_sentence_else_a_word_else_a_letter(text: str, stretches: list[str]) -> None:
    assert [stretch.text for stretch in split_turn(text, (), 12)] == stretches


def test_a_turn_of_a_megabyte_is_many_segments_of_one_speaker() -> None:
    spoken = (SENTENCE * (MIB // len(SENTENCE))).strip()
    reading = read_transcript(f"Anna: Well?\nBen: {spoken}\nAnna: Thanks.")
    assert reading.notices == ("1 turn was longer than 250,000 characters and was split",)
    own = [text for speaker, text in said(reading) if speaker == "Ben"]
    assert " ".join(own) == spoken
    assert max(map(len, own)) <= MAX_SEGMENT_CHARACTERS
    assert all(text.endswith("nobody came.") for text in own)
    assert [one.number for one in reading.segments] == list(range(1, len(own) + 3))
    assert len({one.role for one in reading.segments[1:-1]}) == 1


def test_turns_up_to_the_limit_stay_whole() -> None:
    content = "Anna: Well?\nBen: " + "a" * MAX_SEGMENT_CHARACTERS
    assert len(read_transcript(content).segments) == 2
    assert len(read_transcript(content + "b").segments) == 3
    told = read_transcript(content, max_segment_characters=5_000).notices
    assert told == ("1 turn was longer than 5,000 characters and was split",)


def test_segments_of_a_split_turn_keep_the_times_of_their_words() -> None:
    elements = [
        {"type": "text", "value": f"w{number} ", "ts": number, "end_ts": number + 0.5}
        for number in range(100)
    ]
    vendor = {
        "speakers": [{"id": 0, "name": "Ann"}],
        "monologues": [{"speaker": 0, "elements": elements}],
    }
    reading = read_transcript(json.dumps(vendor), max_segment_characters=50)
    assert len(reading.segments) > 5
    for segment in reading.segments:
        for word in segment.words:
            assert segment.text.startswith(f"w{word.start_ms // 1000}", word.offset)
        assert segment.start_ms == segment.words[0].start_ms
        assert segment.end_ms == segment.words[-1].end_ms
    for left, right in pairwise(reading.segments):
        assert (left.end_ms or 0) <= (right.start_ms or 0)


def test_segments_of_one_long_cue_take_its_times() -> None:
    cue = f"WEBVTT\n\n00:01.000 --> 00:09.000\n<v Ann>{SENTENCE * 4}"
    reading = read_transcript(cue, max_segment_characters=80)
    assert [(one.start_ms, one.end_ms) for one in reading.segments] == [(1_000, 9_000)] * 2
    assert [len(one.words) for one in reading.segments] == [1, 0]


def test_refuses_a_limit_of_nothing() -> None:
    with pytest.raises(ValueError, match="positive"):
        read_transcript("Anna: Hello.", max_segment_characters=0)


@pytest.mark.parametrize(
    "content",
    [
        "Anna: I paid \x00sixty\x00 pounds.",
        "1\n00:00:01,000 --> 00:00:02,000\nAnna: I paid \x00sixty\x00 pounds.\n",
        json.dumps(
            {
                "speakers": [{"id": 0, "name": "Anna"}],
                "monologues": [
                    {
                        "speaker": 0,
                        "elements": [{"type": "text", "value": "I paid \x00sixty\x00 pounds."}],
                    }
                ],
            }
        ),
    ],
)
def test_says_that_null_characters_were_removed(content: str) -> None:
    reading = read_transcript(content)
    assert said(reading) == [("Anna", "I paid sixty pounds.")]
    assert "2 null characters (U+0000) were removed" in reading.notices
