"""Clocks that are not spelled with colons, times within turns, and labels that are in doubt.

Each is a family: what one tool writes, and what its siblings do.
"""

from __future__ import annotations

import pytest

from transcripts import TranscriptError
from unit.transcripts.reading_support import read, said

TALK = [
    ("Ilse", "When did the shop close, and who closed it in the end?"),
    ("Tom", "In May, as far as I remember. Nobody came any more, not even on Saturdays."),
    ("Ilse", "Nobody at all?"),
    ("Tom", "One man. He bought nails."),
]
STARTS = [1_000, 65_000, 129_000, 3_723_000]


def dotted(ms: int) -> str:
    seconds = ms // 1_000
    return f"{seconds // 3_600:02}.{seconds // 60 % 60:02}.{seconds % 60:02}"


def full_width(ms: int) -> str:
    return dotted(ms).replace(".", "\uff1a")


def ratio(ms: int) -> str:
    return dotted(ms).replace(".", "\u2236")


def primes(ms: int) -> str:
    return f"{ms // 60_000}'{ms // 1_000 % 60:02}''"


def signs(ms: int) -> str:
    return f"{ms // 60_000}\u2032{ms // 1_000 % 60:02}\u2033"


def quotes(ms: int) -> str:
    return f"{ms // 60_000}'{ms // 1_000 % 60:02}\""


LAYOUTS = ["[{t}] {n}: {x}", "({t}) {n}: {x}", "{t} {n}: {x}", "{n} ({t}): {x}", "{n} [{t}]: {x}",
           "{n}: [{t}] {x}", "{n} ({t})\n{x}\n", "[{t}] {n}\n{x}\n", "{t}\n{n}: {x}\n"]  # fmt: skip


@pytest.mark.parametrize("spell", [dotted, full_width, ratio, primes, signs, quotes])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_clocks_are_read_in_every_spelling(layout: str, spell: object) -> None:
    content = "\n".join(
        layout.format(t=spell(ms), n=who, x=text)  # type: ignore[operator]
        for ms, (who, text) in zip(STARTS, TALK, strict=True)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == STARTS


@pytest.mark.parametrize("layout", ["[{t}] {n}: {x}", "{t} {n}: {x}", "{n} ({t}): {x}"])
def test_dates_with_points_are_no_clocks(layout: str) -> None:
    dates = ["12.03.24", "12.03.24", "13.03.24", "14.03.24"]
    content = "\n".join(
        layout.format(t=date, n=who, x=text) for date, (who, text) in zip(dates, TALK, strict=True)
    )
    try:
        reading = read(content)
    except TranscriptError:
        return  # with a reason
    assert {one.start_ms for one in reading.segments} == {None}


@pytest.mark.parametrize("layout", ["[{t}] {n}: {x}", "{n} ({t}): {x}", "{t} {n}: {x}"])
def test_minutes_and_seconds_with_a_point_are_no_seconds_with_a_fraction(layout: str) -> None:
    for times, starts in (
        (("00.01", "01.05", "02.09", "62.03"), STARTS),
        (("0.01", "1.05", "2.09", "62.03"), STARTS),  # nobody speaks so fast
        (("0.01", "8.75", "14.09", "62.03"), [10, 8_750, 14_090, 62_030]),
    ):
        content = "\n".join(
            layout.format(t=at, n=who, x=text) for at, (who, text) in zip(times, TALK, strict=True)
        )
        reading = read(content)
        assert said(reading) == TALK
        assert [one.start_ms for one in reading.segments] == pytest.approx(starts, abs=20)


@pytest.mark.parametrize("layout", ["[{t}] {n}: {x}", "{n} [{t}]: {x}", "{t} {n}: {x}"])
def test_seconds_with_a_comma_are_times(layout: str) -> None:
    content = "\n".join(
        layout.format(t=at, n=who, x=text)
        for at, (who, text) in zip(("1,52", "8,04", "19,9", "113,9"), TALK, strict=True)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == [1_520, 8_040, 19_900, 113_900]


def test_marks_of_f4_within_a_turn_are_times_and_no_words() -> None:
    content = (
        "I: When did it close? #00:00:05-0#\nB: In May. #00:00:07-5# Nobody came. #00:00:09-0#\n"
        "I: Nobody at all? #00:00:11-0#\nB: One man. #00:00:12-0# He bought nails. #00:00:14-2#\n"
    )
    reading = read(content)
    assert said(reading) == [
        ("I", "When did it close?"),
        ("B", "In May. Nobody came."),
        ("I", "Nobody at all?"),
        ("B", "One man. He bought nails."),
    ]
    assert [one.start_ms for one in reading.segments] == [None, 5_000, 9_000, 11_000]
    assert [word.start_ms for word in reading.segments[1].words] == [5_000, 7_500]


@pytest.mark.parametrize("mark", ["*", "_"])
@pytest.mark.parametrize(
    "layout",
    [
        "**{n}** {m}{t}{m}  \n{x}\n",
        "**{n}** {m}({t}){m}: {x}",
        "{m}{t}{m} **{n}:** {x}",
        "{m}[{t}]{m} **{n}**: {x}",
    ],
)
def test_times_in_italics_are_times(layout: str, mark: str) -> None:
    clocks = ("00:01", "01:05", "02:09", "01:02:03")
    content = "\n".join(
        layout.format(t=at, n=who, x=text, m=mark)
        for at, (who, text) in zip(clocks, TALK, strict=True)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == STARTS


def test_names_within_what_one_microphone_says_are_in_doubt() -> None:
    content = "WEBVTT\n\n" + "\n\n".join(
        f"00:0{at}.000 --> 00:0{at}.900\n<v Room 2>{who}: {text}</v>"
        for at, (who, text) in enumerate(TALK, start=1)
    )
    assert any("Ilse" in one and "Room 2" in one for one in read(content).report.doubts)


def test_words_that_each_stand_once_before_a_colon_are_in_doubt_in_short_captions() -> None:
    content = "\n\n".join(
        f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\n{text}"
        for at, text in enumerate(("The price: ninety.", "And then?", "The rule: none."), start=1)
    )
    reading = read(content)
    assert reading.report.doubts or [one.speaker for one in reading.segments] == ["Speaker"]


@pytest.mark.parametrize("brackets", ["\uff3b\uff3d", "\uff08\uff09", "\u3014\u3015", "[]"])
@pytest.mark.parametrize("mark", ["\uff1a", ": "])
def test_clocks_in_full_width_digits_and_brackets_are_times(brackets: str, mark: str) -> None:
    digits = "".join(chr(0xFF10 + digit) for digit in range(10))
    wide = str.maketrans("0123456789:", f"{digits}\uff1a")
    content = "\n".join(
        f"{brackets[0]}{clock.translate(wide)}{brackets[1]}{who}{mark}{text}"
        for clock, (who, text) in zip(("00:01", "01:05", "02:09", "62:03"), TALK, strict=True)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == STARTS


@pytest.mark.parametrize("count", ["({} words)", "[{} words]", "({} Wörter, 2 %)"])
@pytest.mark.parametrize("names", [("Speaker 1", "Speaker 2"), ("Ilse Brandt", "Tom Okafor")])
def test_names_with_a_count_above_each_time_are_no_heads_of_pages(
    names: tuple[str, str], count: str
) -> None:
    content = "\n\n".join(
        f"{names[at % 2]} {count.format(len(text.split()))}\n00:{at:02}\n{text}"
        for at, (_, text) in enumerate(TALK * 2)
    )
    reading = read(content)
    assert [one.text for one in reading.segments] == [text for _, text in TALK * 2]
    assert all(
        one.speaker.startswith(names[at % 2]) for at, one in enumerate(reading.segments)
    ) or any("differ" in one or "one turn only" in one for one in reading.report.doubts)


@pytest.mark.parametrize("share", ["({})", "[{}]", "({} %)", "({}%)"])
@pytest.mark.parametrize("layout", ["[{t}] {n} {c}: {x}", "{n} {c}: {x}", "{n} {c} [{t}]: {x}"])
def test_how_sure_a_tool_is_of_a_speaker_is_no_part_of_the_name(layout: str, share: str) -> None:
    sure = ("98", "91", "95", "99") if "%" in share else ("0.98", "0.91", "0.95", "0.99")
    content = "\n".join(
        layout.format(t=f"00:{at:02}", n=who, c=share.format(one), x=text)
        for at, (one, (who, text)) in enumerate(zip(sure, TALK, strict=True))
    )
    assert said(read(content)) == TALK


@pytest.mark.parametrize("code", ["(EN)", "[EN]", "(English)", "EN"])
def test_turns_that_stand_again_in_another_language_are_in_doubt(code: str) -> None:
    content = "\n".join(
        f"{who}: {text}\n{who} {code}: {text[::-1]}" for who, text in (*TALK, *TALK)
    )
    assert any("language" in one or "translat" in one for one in read(content).report.doubts)


@pytest.mark.parametrize("brackets", ["\uff3b\uff3d", "\uff08\uff09", "\u3014\u3015"])
@pytest.mark.parametrize("clocks", [("9:30", "12:15"), ("3:16", "4:01", "5:02", "6:10")])
@pytest.mark.parametrize("place", ["早上{}在门口。", "{}在门口。", "早上{}\uff0c在门口。"])
def test_clocks_in_full_width_brackets_within_what_is_said_are_speech(
    place: str, clocks: tuple[str, ...], brackets: str
) -> None:
    talk = [
        (who, f"我们{place}".format(f"{brackets[0]}{clock}{brackets[1]}"))
        for who, clock in zip("李王李王", clocks, strict=False)
    ]
    reading = read("\n".join(f"{who}: {text}" for who, text in [*talk, ("李", "好的。")]))
    spoken = " ".join(one.text for one in reading.segments)
    assert all(clock in spoken for clock in clocks)
    assert {one.start_ms for one in reading.segments} == {None}


@pytest.mark.parametrize(
    "layout", ["({t}){n}: {x}", "{n}({t}): {x}", "{n}: ({t}){x}", "{n}({t})\n{x}\n"]
)
def test_clocks_in_full_width_brackets_beside_names_are_times(layout: str) -> None:
    wide = layout.replace("(", "\uff08").replace(")", "\uff09")
    clocks = ("00:01", "01:05", "02:09", "62:03")
    talk = [
        ("李", "你好。"),
        ("王", "早上\uff089:30\uff09在门口。"),
        ("李", "好的。"),
        ("王", "走吧。"),
    ]
    content = "\n".join(
        wide.format(t=at, n=who, x=text) for at, (who, text) in zip(clocks, talk, strict=True)
    )
    reading = read(content)
    assert (
        said(reading) == [(who, text) for who, text in talk] or "9:30" in reading.segments[1].text
    )
    assert [one.start_ms for one in reading.segments] == STARTS


@pytest.mark.parametrize("measure", ["{}'{:02}\"", "{}\u2032{:02}\u2033", "{}'{:02}''"])
@pytest.mark.parametrize(
    "sentence", ["He is {}", "He is ({}) tall", "He is ({}).", "He is ({})", "{}", "So {} it is"]
)
def test_feet_and_inches_that_are_said_are_no_times(sentence: str, measure: str) -> None:
    said_of = [sentence.format(measure.format(5, at)) for at in (2, 4, 10, 11)]
    content = "\n".join(
        f"{who}: {text}" for who, text in zip(("Ilse", "Tom") * 2, said_of, strict=True)
    )
    reading = read(content)
    assert [one.text for one in reading.segments] == said_of
    assert {one.start_ms for one in reading.segments} == {None}


@pytest.mark.parametrize(
    "dates",
    [
        ("03.04.20", "04.04.21", "05.05.22"),
        ("04.13.20", "04.14.21", "05.15.22"),
        ("19.04.03", "20.04.13", "21.05.22"),
    ],
)
@pytest.mark.parametrize("layout", ["{} this one", "[{}] this one", "that one {}"])
def test_dates_that_rise_are_no_clocks(layout: str, dates: tuple[str, ...]) -> None:
    lines = [layout.format(date) for date in dates]
    turns = "\n".join(f"{who}: {text}" for who, text in TALK)
    content = f"{turns}\nIlse: These:\n" + "\n".join(lines) + f"\n{turns}"
    reading = read(content)
    spoken = " ".join(one.text for one in reading.segments)
    assert all(date in spoken for date in dates)
    assert {one.start_ms for one in reading.segments} == {None}


@pytest.mark.parametrize("spell", [dotted, full_width, primes])
def test_clocks_that_are_spelled_otherwise_are_told(spell: object) -> None:
    content = "\n".join(
        f"[{spell(ms)}] {who}: {text}"  # type: ignore[operator]
        for ms, (who, text) in zip(STARTS, TALK, strict=True)
    )
    assert any("spelled without a colon" in one for one in read(content).notices)


@pytest.mark.parametrize("layout", ["[{t}] {n}: {x}", "{n} ({t}): {x}", "{t} {n}: {x}"])
def test_seconds_with_a_zero_before_them_are_seconds(layout: str) -> None:
    content = "\n".join(
        layout.format(t=at, n=who, x=text)
        for at, (who, text) in zip(("01.52", "05.10", "09.45", "12.30"), TALK, strict=True)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == [1_520, 5_100, 9_450, 12_300]
    assert any("times in seconds" in one for one in reading.notices)


def test_minutes_with_a_point_are_told() -> None:
    content = "\n".join(
        f"[{at}] {who}: {text}"
        for at, (who, text) in zip(("00.01", "01.05", "02.09", "62.03"), TALK, strict=True)
    )
    reading = read(content)
    assert [one.start_ms for one in reading.segments] == STARTS
    assert any("minutes and seconds" in one for one in reading.notices)
