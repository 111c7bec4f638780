"""Text and times as evidence will quote them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.text import TextSpan, clean_text, join_pieces
from transcripts.times import parse_clock_time


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  um,\tyou\u00a0 know\r\n ", "um, you know"),
        ("zero\u200bwidth\ufeff \x00nul\x1b", "zerowidth nul"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("e\u200b\u0301", "\u00e9"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\u2028\u3000", ""),
        ("“Curly” — dashes… 😀", "“Curly” — dashes… 😀"),
    ],
)
def test_cleans_what_nobody_sees_and_keeps_the_rest(raw: str, text: str) -> None:
    assert clean_text(raw) == text


def test_keeps_the_offsets_of_pieces_that_stand_without_a_space() -> None:
    text, words = join_pieces(
        [TextSpan("a", 1, 2), TextSpan(", "), TextSpan(" b", 3), TextSpan("c", 4, 3)]
    )
    assert text == "a, bc"
    assert [(word.offset, word.start_ms, word.end_ms) for word in words] == [
        (0, 1, 2),
        (3, 3, 3),
        (4, 4, 4),
    ]


pieces = st.builds(
    TextSpan,
    st.text(st.sampled_from("ab \u0301\u0327\u1100\u1161\u11a8\u200b\n\x00\u09c7\u09be.")),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
)


@given(st.lists(pieces, max_size=12))
def test_joined_text_is_clean_and_its_offsets_are_exact(many: list[TextSpan]) -> None:
    text, words = join_pieces(many)
    assert text == clean_text("".join(piece.text for piece in many))
    assert unicodedata.is_normalized("NFC", text)
    offsets = [word.offset for word in words]
    assert offsets == sorted(set(offsets))
    assert all(not text[offset].isspace() for offset in offsets)


@given(st.lists(st.text(min_size=1), max_size=12))
def test_words_of_any_script_are_found_at_their_offsets(texts: list[str]) -> None:
    spaced = [TextSpan(f" {text} ", number) for number, text in enumerate(texts)]
    text, words = join_pieces(spaced)
    for word in words:
        assert text.startswith(clean_text(texts[word.start_ms]), word.offset)
    assert len(words) == sum(bool(clean_text(text)) for text in texts)


@pytest.mark.parametrize(
    ("clock", "milliseconds"),
    [
        ("00:00:00.570", 570),
        ("0:0:0.57", 570),
        ("1:02:03,004", 3_723_004),
        ("01:02", 62_000),
        ("75:30.5", 4_530_500),
        ("1000:00:00.0001", 3_600_000_000),
        ("00:60", None),
        ("1:60:00", None),
        ("12", None),
        ("1:2x", None),
        ("\N{ARABIC-INDIC DIGIT ONE}:02", 62_000),
    ],
)
def test_reads_clocks(clock: str, milliseconds: int | None) -> None:
    assert parse_clock_time(clock) == milliseconds
