import unicodedata
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import (
    format_count,
    format_duration,
    format_hex_dump,
    format_recording_time,
    format_time,
    wrap_paragraph,
)


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (None, "[--:--]"),
        (0, "[00:00]"),
        (59_999, "[00:59]"),
        (754_000, "[12:34]"),
        (3_599_999, "[59:59]"),
        (3_600_000, "[1:00:00]"),
        (36_061_000, "[10:01:01]"),
    ],
)
def test_shows_when_something_was_said(milliseconds: int | None, shown: str) -> None:
    assert format_recording_time(milliseconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_600, "1 h"),
        (11_100, "3 h 5 min"),
        (86_400 + 7_200, "1 d 2 h"),
    ],
)
def test_shows_a_span_of_time_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


def test_shows_moments_in_utc() -> None:
    assert (
        format_time(datetime.fromisoformat("2026-01-05T12:00:00.5+02:00"))
        == "2026-01-05 10:00:00 UTC"
    )
    assert format_time(None) == ""


def test_counts_in_words() -> None:
    assert (format_count(1, "note"), format_count(1_200, "note")) == ("1 note", "1,200 notes")
    assert format_count(2, "try", "tries") == "2 tries"


@given(st.text())
def test_what_is_printed_cannot_control_a_terminal(text: str) -> None:
    shown = escape_control_characters(text)
    assert not {unicodedata.category(char) for char in shown if char not in "\n\t"} & {"Cc", "Cs"}


@given(st.text(alphabet=st.sampled_from("ab \n\x1b日é"), max_size=300), st.integers(30, 100))
def test_a_paragraph_stays_within_its_width_and_loses_no_word(text: str, width: int) -> None:
    lines = list(wrap_paragraph(text, width, indent="    ", first="  • "))
    assert all(line.cell_len <= width for line in lines)
    output = "".join(line.plain[4:] for line in lines)
    assert output.replace(" ", "") == "".join(escape_control_characters(text).split())


def test_a_hex_dump_has_offsets_bytes_and_ascii() -> None:
    rows = list(format_hex_dump(bytes(range(0x3E, 0x50))))
    assert rows[0].startswith("00000000  3e 3f 40 41")
    assert rows[0].endswith(" >?@ABCDEFGHIJKLM")
    assert rows[1] == f"00000010  {'4e 4f':<48} NO"
