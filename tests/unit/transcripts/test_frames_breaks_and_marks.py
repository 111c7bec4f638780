"""Times that count frames, line breaks in cells, marks of direction, members of parliaments.

Each is a family: what one tool writes, and what its siblings do.
"""

from __future__ import annotations

import pytest

from contracts.transcript import TranscriptFormat
from transcripts import MalformedTranscriptError
from unit.transcripts.reading_support import read, said

# Times that count frames


def starts(content: str, format: TranscriptFormat | None = None) -> list[int | None]:  # noqa: A002  # as the API
    return [segment.start_ms for segment in read(content, format).segments]


DROPPED = [1_401, 4_505, 60_060, 600_000]
"""Milliseconds of 1;12, 4;15, 1:00;02 and 10:00;00 at 29.97 frames a second, drop-frame."""
PREMIERE = "Speaker Name,Start Time,End Time,Text\n" + "".join(
    f"{who},00:{at},00:{at},{text}\n"
    for who, at, text in (
        ("Ilse", "00:01;12", "How did it begin?"),
        ("Tom", "00:04;15", "With one drill."),
        ("Ilse", "01:00;02", "Only one?"),
        ("Tom", "10:00;00", "Only one."),
    )
)


SUBTITLES = (
    "1\n00:00:01;12 --> 00:00:03;00\nIlse: How?\n\n"
    "2\n00:00:04;15 --> 00:00:06;29\nTom: So.\n\n"
    "3\n00:01:00;02 --> 00:01:02;00\nIlse: One?\n\n"
    "4\n00:10:00;00 --> 00:10:01;00\nTom: One.\n"
)


@pytest.mark.parametrize(
    "content",
    [
        PREMIERE,
        PREMIERE.replace("00:", "00;").replace("01:", "01;").replace("10:", "10;"),
        (
            "00;00;01;12 - 00;00;04;02\nIlse\nHow did it begin?\n\n00;00;04;15 - 00;00;07;00\nTom\n"
            "With one drill.\n\n00;01;00;02 - 00;01;03;00\nIlse\nOnly one?\n\n"
            "00;10;00;00 - 00;10;03;00\nTom\nOnly one.\n"
        ),
        (
            "[00:00:01;12] Ilse: How did it begin?\n[00:00:04;15] Tom: With one drill.\n"
            "[00:01:00;02] Ilse: Only one?\n[00:10:00;00] Tom: Only one.\n"
        ),
        (
            "Ilse 00:00:01;12\nHow did it begin?\n\nTom 00:00:04;15\nWith one drill.\n\n"
            "Ilse 00:01:00;02\nOnly one?\n\nTom 00:10:00;00\nOnly one.\n"
        ),
        SUBTITLES,
        SUBTITLES.replace(":0", ";0").replace(":10", ";10"),
    ],
    ids=["table", "table of semicolons", "ranges", "brackets", "behind names", "srt", "srt of ;"],
)
def test_semicolons_before_frames_are_drop_frame_counting(content: str) -> None:
    assert starts(content) == pytest.approx(DROPPED, abs=1)
    assert any(
        "29.97 frames a second (drop-frame), by the “;” before the frames" in one
        for one in read(content).notices
    )


def framed(frames: str, head: str = "") -> str:
    return head + "\n".join(
        f"[00:00:0{at}:{frames}] {who}: {text}"
        for at, who, text in ((1, "Ilse", "How?"), (2, "Tom", "So."), (3, "Ilse", "One?"))
    )


@pytest.mark.parametrize(
    ("frames", "head", "ms", "rate"),
    [
        ("12", "", 1_480, "25 frames a second, which the file does not state"),
        ("27", "", 1_900, "30 frames a second, by the highest number of frames"),
        ("45", "", 1_900, "50 frames a second, by the highest number of frames"),
        ("12", "Frame rate: 24 fps\n\n", 1_500, "24 frames a second, as the file states"),
        ("12", "Timebase: 23.976\n\n", 1_502, "23.976 frames a second, as the file states"),
        ("12", "29,97 fps\n\n", 1_401, "29.97 frames a second, as the file states"),
        ("12", "The well\nDate: 3 March\n\n24 fps\n\n", 1_500, "24 frames a second, as the file"),
        ("12", "Fps: 24 (non-drop)\n\n", 1_500, "24 frames a second, as the file states"),
        ("12", "We film at 60 fps here.\n\n", 1_480, "25 frames a second, which the file does not"),
        ("12", "60 fps?\n\n", 1_480, "25 frames a second, which the file does not state"),
    ],
)
def test_the_rate_of_frames_is_stated_or_shows(frames: str, head: str, ms: int, rate: str) -> None:
    reading = read(framed(frames, head))
    (first,) = [one for one in reading.segments if one.text == "How?"]
    assert first.start_ms == pytest.approx(ms, abs=1)
    assert any(rate in one for one in reading.notices)


def test_captions_and_tables_state_a_rate_above_the_first_time() -> None:
    cues = "00:00:01:12 --> 00:00:02:00\nIlse: How?\n\n00:00:03:12 --> 00:00:04:00\nTom: So.\n"
    assert starts(f"WEBVTT\n\nNOTE Frame rate: 24 fps\n\n{cues}") == [1_500, 3_500]
    rows = "Speaker,Start,Text\nIlse,00:00:01:12,How?\nTom,00:00:03:12,So.\nIlse,00:00:05:12,Oh.\n"
    assert starts(f"Timebase,24,\n{rows}") == [1_500, 3_500, 5_500]


SPOKEN_RATES = ["Do you record at 60 fps?", "60 fps", "Frame rate: 60"]


@pytest.mark.parametrize("words", SPOKEN_RATES)
@pytest.mark.parametrize(
    "content",
    [
        "[00:00:01:12] Ilse: {}\n[00:00:02:12] Tom: So.\n[00:00:03:12] Ilse: One?\n",
        "[00:00:01:12] Ilse:\n{}\n[00:00:02:12] Tom:\nSo.\n[00:00:03:12] Ilse:\nOne?\n",
        "Ilse 00:00:01:12\n{}\n\nTom 00:00:02:12\nSo.\n\nIlse 00:00:03:12\nOne?\n",
        (
            "1\n00:00:01:12 --> 00:00:02:00\nIlse: {}\n\n2\n00:00:02:12 --> 00:00:03:00\n"
            "Tom: So.\n\n3\n00:00:03:12 --> 00:00:04:00\nIlse: One?\n"
        ),
        (
            "WEBVTT\n\n00:00:01:12 --> 00:00:02:00\n<v Ilse>\n{}\n\n"
            "00:00:02:12 --> 00:00:03:00\n<v Tom>So.\n\n"
            "00:00:03:12 --> 00:00:04:00\n<v Ilse>One?\n"
        ),
        "Speaker,Start,Text\nIlse,00:00:01:12,{}\nTom,00:00:02:12,So.\nIlse,00:00:03:12,One?\n",
        "Text,Speaker,Start\n{},Ilse,00:00:01:12\nSo.,Tom,00:00:02:12\nOne?,Ilse,00:00:03:12\n",
    ],
    ids=["line", "below a label", "below a name", "srt", "vtt", "table", "table, text first"],
)
def test_a_rate_that_somebody_speaks_of_is_not_the_files(content: str, words: str) -> None:
    assert starts(content.format(words)) == [1_480, 2_480, 3_480]


def test_a_rate_below_a_label_is_not_the_files() -> None:
    reading = read("Ilse: Which rate?\nTom:\n60 fps\n\n" + framed("12"))
    assert not any("as the file states" in one for one in reading.notices)


def test_a_time_with_frames_that_somebody_says_stays() -> None:
    content = "Ilse: Where is it?\nTom: The cut is at 01:02:03:04 on the tape.\nIlse: I see.\n"
    assert said(read(content))[1] == ("Tom", "The cut is at 01:02:03:04 on the tape.")


def test_milliseconds_behind_a_colon_are_no_frames() -> None:
    content = (
        "1\n00:00:01:120 --> 00:00:02:000\nIlse: How?\n\n"
        "2\n00:00:03:500 --> 00:00:04:000\nTom: So.\n"
    )
    assert starts(content) == [1_120, 3_500]


def test_ttml_multiplies_its_rate() -> None:
    content = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" '
        'ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001"><body><div>'
        '<p begin="90000f" end="90030f">Ilse: How?</p></div></body></tt>'
    )
    assert starts(content) == [3_003_000]


# Line breaks in cells

BROKEN = [
    ("Ilse Brandt", "How did it begin?"),
    ("Tom Okafor", "With one drill; only one. And patience."),
    ("Ilse Brandt", "I see."),
]


@pytest.mark.parametrize("between", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_quoted_cell_may_hold_line_breaks(between: str, end: str) -> None:
    content = end.join(
        between.join(row)
        for row in (
            ("Speaker", "Start", "Text"),
            ("Ilse Brandt", "00:01", f'"How did it{end}begin?"'),
            ("Tom Okafor", "00:05", f'"With one drill; only one.{end}{end}And patience."'),
            ("Ilse Brandt", "00:10", "I see."),
        )
    )
    reading = read(content, TranscriptFormat.TABLE)
    assert said(reading) == BROKEN
    assert [one.start_ms for one in reading.segments] == [1_000, 5_000, 10_000]


@pytest.mark.parametrize(
    "content",
    [
        'Speaker;Start;Text\nIlse;0:01;"How did it begin?\nTom;0:05;With one drill."\n',
        (
            'Speaker;Start;Text\nIlse;0:01;"How did it begin?\nTom;0:05;"With one drill."\n'
            "Ilse;0:07;So.\n"
        ),
        (
            'Speaker;Start;Text\nIlse;0:01;"How did it begin?\nTom: With one drill."\n'
            "Ilse;0:07;So.\n"
        ),
        'Speaker;Start;Text\nIlse;0:01;"How did it begin?\nTom;0:05;With one drill.\n',
        'Speaker,Text\nAnn,"Hello there\nBen,Hi there"\nAnn,Fine then.\nCleo,Yes.\n',
        'Text,Speaker\n"Hello there,Ann\nHi there",Ben\nFine then.,Ann\nYes.,Cleo\n',
        'Text,Speaker\n"Hello, there,Cleo\nHi there",Ben\nFine then.,Ann\nYes.,Ann\n',
        'Text,Speaker,Start\n"Hello,mk,0:01\nHi there",Ben,0:02\nFine then.,Ann,0:03\n',
        'Speaker,Text\nmk,"Hello there\nfo,Hi there"\nmk,Fine then.\nfo,Yes.\n',
        'Speaker,Text\n12,"Hello\n13,Hi\n12,So?\n13,Yes"\n12,Fine then.\n12,Yes.\n',
    ],
    ids=[
        "a row within", "a mark that is not closed", "a turn within", "open until the end",
        "a speaker of no other row", "a row that the cell begins in", "with a comma",
        "with a time", "a speaker of a row below", "codes of no other row",
    ],
)  # fmt: skip
def test_a_cell_that_may_have_swallowed_rows_is_refused(content: str) -> None:
    with pytest.raises(MalformedTranscriptError, match="line"):
        read(content, TranscriptFormat.TABLE)


@pytest.mark.parametrize(
    ("content", "first"),
    [
        (
            'Speaker,Text\nIlse,"Hm.\nWell, so it began, or\nand patience, always?"\nTom,So.\n',
            ("Ilse", "Hm. Well, so it began, or and patience, always?"),
        ),
        (
            'Text,Speaker\n"Well, so it began\nand patience, always?",Ilse\nSo.,Tom\nI see.,Ilse\n',
            ("Ilse", "Well, so it began and patience, always?"),
        ),
        (
            'Speaker,Start,Text\nIlse,0:01,"Hm.\nLondon, was it, or Leeds?"\nTom,0:02,So.\n',
            ("Ilse", "Hm. London, was it, or Leeds?"),
        ),
    ],
    ids=["text last", "text first", "a name where a time should follow"],
)
def test_lines_with_delimiters_within_a_cell_are_no_rows(
    content: str, first: tuple[str, str]
) -> None:
    assert said(read(content, TranscriptFormat.TABLE))[0] == first


@pytest.mark.parametrize("who", ["Ben", "fo"])
def test_a_row_within_a_cell_of_a_table_with_tabs_is_a_row(who: str) -> None:
    content = (
        f'Speaker\tText\n{who}\tSo?\nAnn\t"I said no.\nshe went on\n{who}\tAnd then?\n'
        f'Ann\tShe left."\n{who}\tYes.\n'
    )
    reading = read(content, TranscriptFormat.TABLE)
    assert said(reading) == [
        (who, "So?"),
        ("Ann", '"I said no.'),
        (who, "And then?"),
        ("Ann", 'She left."'),
        (who, "Yes."),
    ]
    assert any("line 4" in one and "passed over" in one for one in reading.notices)


def test_rows_that_end_early_are_told() -> None:
    content = "Speaker\tStart\tText\nIlse\t0:01\tHow did it\nbegin?\nTom\t0:05\tWith one drill.\n"
    reading = read(content, TranscriptFormat.TABLE)
    assert any("line 3" in one and "passed over" in one for one in reading.notices)
    twice = content + "and with\npatience.\n"
    assert any("may be divided" in one for one in read(twice, TranscriptFormat.TABLE).report.doubts)


# Marks of direction

MARKS = ["\u200f", "\u200e", "\u061c", "\u200f\u200f"]
TALK = [("דנה", "איך זה התחיל?"), ("דוד", "עם מקדחה אחת."), ("דנה", "רק אחת?"), ("דוד", "אחת.")]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "turn",
    [
        "{who}: {text}{mark}\n",
        "{mark}{who}{mark}:{mark} {text}{mark}\n",
        "{who}:{mark}\n{text}\n\n",
        "{who}{mark}\n{text}{mark}\n\n",
        "{mark}[{mark}{who}{mark}]{mark} {text} {mark}\n",
        "{mark}00:0{at}{mark} {who}{mark}: {text}{mark}\n",
        "{who} {mark}00:0{at}{mark}\n{text}{mark}\n\n",
    ],
)
def test_marks_of_direction_are_no_part_of_labels_or_ends(turn: str, mark: str) -> None:
    content = "".join(
        turn.format(who=who, text=text, mark=mark, at=at) for at, (who, text) in enumerate(TALK)
    )
    assert said(read(content)) == TALK
    half = "".join(
        turn.format(who=who, text=text, mark=mark if at % 3 else "", at=at)
        for at, (who, text) in enumerate(TALK)
    )
    assert said(read(half)) == TALK


@pytest.mark.parametrize(
    ("opens", "closes"), ["\u2066\u2069", "\u2067\u2069", "\u2068\u2069", "\u202b\u202c"]
)
@pytest.mark.parametrize(
    "turn",
    [
        "{o}{who}{c}: {text}\n",
        "{o}{who}:{c} {text}\n",
        "{o}{who}: {text}{c}\n",
        "{who}: {o}{text}{c}\n",
    ],
)
def test_isolates_around_labels_and_turns_are_taken_off(turn: str, opens: str, closes: str) -> None:
    content = "".join(turn.format(who=who, text=text, o=opens, c=closes) for who, text in TALK)
    assert said(read(content)) == TALK
    cues = "".join(
        f"00:0{at}.000 --> 00:0{at}.900\n{turn.format(who=who, text=text, o=opens, c=closes)}\n"
        for at, (who, text) in enumerate(TALK)
    )
    assert said(read(f"WEBVTT\n\n{cues}")) == TALK


@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_direction_in_a_table_are_no_part_of_labels(mark: str) -> None:
    rows = "".join(
        f"{who}{mark if at % 3 else ''}:{mark},0:0{at},{text}{mark}\n"
        for at, (who, text) in enumerate(TALK)
    )
    assert said(read(f"speaker,start,text\n{rows}")) == TALK


# Members of parliaments

MEMBER = "Mary Ellis (Paisley and Renfrewshire South) (SNP)"


@pytest.mark.parametrize(
    "first",
    [
        f"{MEMBER}: What is she doing?\n\n",
        f"{MEMBER}:\nWhat is she doing?\n\n",
        f"1. {MEMBER}: What is she doing?\n\n",
        f"T1. {MEMBER}: What is she doing?\n\n",
        "Mary Ellis\n(Paisley and Renfrewshire South) (SNP)\nWhat is she doing?\n\n",
        "Mary Ellis\n(Paisley and Renfrewshire South) (SNP):\nWhat is she doing?\n\n",
    ],
)
@pytest.mark.parametrize("heads", ["{}: {}\n\n", "{}:\n{}\n\n"])
def test_a_members_seat_and_party_go_with_the_name(first: str, heads: str) -> None:
    others = [
        ("The Minister for Water (Anna Thorne)", "We drill."),
        ("Mary Ellis", "And Leeds?"),
        ("Anna Thorne", "Too."),
    ]
    content = first + "".join(heads.format(*one) for one in others)
    reading = read(content)
    assert said(reading) == [(MEMBER, "What is she doing?"), *others]
    assert not reading.report.doubts


def test_members_who_all_speak_once_are_no_list() -> None:
    content = "".join(
        f"{who} ({seat}) ({party}): I beg to differ.\n\n"
        for who, seat, party in (
            ("Mary Ellis", "Leeds East", "Lab"),
            ("Alan Marsh", "North Dorset", "Con"),
            ("Jo Pike", "Bath", "LD"),
        )
    )
    assert not read(content).report.doubts
