"""Names in tables' cells of text, in workbooks' columns, behind ids; marks of change in captions.

Each is a family: what one tool writes, and what its siblings do.
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

TALK = [
    ("Ilse", "How did it begin?"),
    ("Tom", "With one drill, and a loan."),
    ("Ilse", "Only one?"),
    ("Tom", "Only one."),
]
STARTS = [1_000, 5_500, 10_000, 72_250]


def rows(write_time: object, delimiter: str) -> str:
    lines = []
    for (who, text), start in zip(TALK, STARTS, strict=True):
        shown = f"{who}: {text}"
        if delimiter == ",":
            shown = f'"{shown}"'
        times = (write_time(start), write_time(start + 400))  # type: ignore[operator]
        lines.append(delimiter.join((*times, shown)))
    return "\n".join(lines) + "\n"


def in_ms(ms: int) -> str:
    return str(ms)


def in_seconds(ms: int) -> str:
    return f"{ms / 1_000:.3f}"


def as_clock(ms: int) -> str:
    return f"00:{ms // 60_000:02}:{ms // 1_000 % 60:02}.{ms % 1_000:03}"


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize(
    ("head", "write_time"),
    [
        (("start", "end", "text"), in_ms),
        (("start", "end", "text"), in_seconds),
        (("Start", "End", "Text"), as_clock),
        (("Start time in milliseconds", "End time in milliseconds", "Text"), in_ms),
        (("Start time (ms)", "End time (ms)", "Transcript"), in_ms),
        (("Start time in seconds", "End time in seconds", "Caption"), in_seconds),
    ],
)
def test_names_before_what_was_said_in_cells_of_text_are_speakers(
    head: tuple[str, ...], write_time: object, delimiter: str
) -> None:
    reading = read(delimiter.join(head) + "\n" + rows(write_time, delimiter))
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == STARTS
    assert not reading.report.doubts


def test_cells_of_text_without_names_stay_as_they_are() -> None:
    content = (
        "start\tend\ttext\n1000\t2000\tIt was a good year.\n2100\t2200\tThe price: ninety.\n"
        "3000\t4000\tNobody asked us.\n5000\t6000\tThe rule: none.\n7000\t8000\tSo it was.\n"
    )
    reading = read(content)
    assert said(reading) == [
        (
            "Speaker",
            "It was a good year. The price: ninety. Nobody asked us. The rule: none. So it was.",
        )
    ]


def test_names_that_stand_at_changes_only_go_on_in_cells_of_text() -> None:
    content = "start\tend\ttext\n" + "".join(
        f"{at}000\t{at}900\t{text}\n"
        for at, text in enumerate(
            ("Ilse: How did", "it begin?", "Tom: With", "one drill.", "Ilse: One?", "Only one?"), 1
        )
    )
    assert said(read(content)) == [
        ("Ilse", "How did it begin?"),
        ("Tom", "With one drill."),
        ("Ilse", "One? Only one?"),
    ]


def workbook(*cells: tuple[str | None, ...], styled: int = 0) -> bytes:
    body = "".join(
        f'<row r="{at}">'
        + "".join(
            f'<c r="{chr(65 + place)}{at}" t="inlineStr"><is><t>{cell}</t></is></c>'
            for place, cell in enumerate(row)
            if cell is not None
        )
        + "".join(f'<c r="{chr(64 + place)}{at}" s="1"/>' for place in range(len(row) + 1, styled))
        + "</row>"
        for at, row in enumerate(cells, 1)
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f"<sheetData>{body}</sheetData></worksheet>",
        )
    return made.getvalue()


@pytest.mark.parametrize("styled", [0, 6, 12])
def test_a_workbooks_columns_of_speakers_may_end_in_empty_cells(styled: int) -> None:
    reading = read(decode_file(workbook(
        ("Timestamp", "Ilse", "Tom"),
        ("0:01", "How did it begin?", None),
        ("0:05", None, "With one drill,\nand a loan."),
        ("0:10", "Only one?", None),
        ("1:12", None, "Only one."),
        styled=styled,
    )).text)  # fmt: skip
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == [1_000, 5_000, 10_000, 72_000]


@pytest.mark.parametrize("key", ["pid", "participantId", "id", "sid", "guid", "attendee_id", "ref"])
@pytest.mark.parametrize("name", ["displayName", "name", "fullName", "full_name"])
def test_names_of_ids_are_found_whatever_the_key_of_the_id(key: str, name: str) -> None:
    document = {
        "meeting": {"id": 4, "title": "Site"},
        "people": [{key: "p1", name: "Ilse Brandt"}, {key: "p2", name: "Tom Okafor"}],
        "transcript": {
            "entries": [
                {"participantId": f"p{at % 2 + 1}", "offsetMs": start, "utterance": text}
                for at, ((_, text), start) in enumerate(zip(TALK, STARTS, strict=True))
            ]
        },
    }
    reading = read(json.dumps(document))
    assert [one.speaker for one in reading.segments] == ["Ilse Brandt", "Tom Okafor"] * 2


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("data_start", "data_end"),
        ("start", "end"),
        ("start_time", "end_time"),
        ("startTime", "endTime"),
        ("from", "to"),
    ],
)
def test_times_of_words_in_turns_are_kept_under_each_usual_key(start: str, end: str) -> None:
    document = [
        {
            "speaker": who,
            "words": [
                {"text": word, start: at / 1_000 + place / 10, end: at / 1_000 + place / 10 + 0.05}
                for place, word in enumerate(text.split())
            ],
        }
        for (who, text), at in zip(TALK, STARTS, strict=True)
    ]
    reading = read(json.dumps(document))
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == STARTS
    assert [word.start_ms for word in reading.segments[0].words][:2] == [1_000, 1_100]


@pytest.mark.parametrize("mark", [">> ", ">>", ">>> ", "- ", "&gt;&gt; "])
def test_cues_without_a_name_go_on_where_marks_of_change_stand_before_names(mark: str) -> None:
    lines = [
        f"{mark}TOM: Not once in ten years.", "I would remember.", f"{mark}ILSE: I see.",
        f"{mark}TOM: Good.", f"{mark}ILSE: Where was it?", f"{mark}TOM: At home.",
        f"{mark}ILSE: Thanks.",
    ]  # fmt: skip
    content = "WEBVTT\n\n" + "\n\n".join(
        f"00:00:{at:02}.000 --> 00:00:{at:02}.900\n{line}" for at, line in enumerate(lines, 1)
    )
    assert said(read(content))[0] == ("TOM", "Not once in ten years. I would remember.")


def test_monologues_of_another_tool_than_rev_are_turns() -> None:
    document = {
        "monologues": [
            {"speaker": who, "startMs": str(start), "endMs": str(start + 400), "text": text}
            for (who, text), start in zip(TALK, STARTS, strict=True)
        ]
    }
    reading = read(json.dumps(document))
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == STARTS


def test_channels_of_aws_are_read_where_no_list_joins_them() -> None:
    channels = [
        {
            "channel_label": f"ch_{channel}",
            "items": [
                {"type": "pronunciation", "start_time": str(start / 1_000 + place / 10),
                 "end_time": str(start / 1_000 + place / 10 + 0.05),
                 "alternatives": [{"content": word}]}
                for (who, text), start in zip(TALK, STARTS, strict=True)
                if who == speaker
                for place, word in enumerate(text.split())
            ],
        }
        for channel, speaker in enumerate(("Ilse", "Tom"))
    ]  # fmt: skip
    reading = read(json.dumps({"results": {"items": [], "channel_labels": {"channels": channels}}}))
    assert [one.text for one in reading.segments] == [text for _, text in TALK]
    assert [one.start_ms for one in reading.segments] == STARTS


def test_cells_of_rtf_are_columns() -> None:
    rows = (rf"\trowd\cellx2000\cellx9000\intbl {who}\cell {text}\cell\row " for who, text in TALK)
    content = "{\\rtf1\\ansi " + "".join(rows) + "}"
    assert said(read(decode_file(content.encode()).text)) == TALK


@pytest.mark.parametrize("key", ["position", "id", "index", "number", "rank"])
@pytest.mark.parametrize("name", ["label", "name"])
@pytest.mark.parametrize("held", ["topics", "chapters", "agenda"])
@pytest.mark.parametrize("by_number", [True, False])
def test_what_is_numbered_beside_the_turns_names_nobody(
    held: str, name: str, key: str, *, by_number: bool
) -> None:
    topics = [{key: 1, name: "Budget"}, {key: 2, name: "Travel Costs"}]
    document = {
        held: {str(one[key]): one[name] for one in topics} if by_number else topics,
        "utterances": [
            {"speaker": at % 2 + 1, "text": text, "start": start / 1_000}
            for at, ((_, text), start) in enumerate(zip(TALK, STARTS, strict=True))
        ],
    }
    reading = read(json.dumps(document))
    assert [one.speaker for one in reading.segments] == ["Speaker 1", "Speaker 2"] * 2


@pytest.mark.parametrize("key", ["position", "id", "number"])
@pytest.mark.parametrize("held", ["speakers", "participants", "people", "attendees", "members"])
def test_numbers_of_listed_people_are_names(held: str, key: str) -> None:
    document = {
        "meeting": {held: [{key: 1, "label": "Ilse Brandt"}, {key: 2, "label": "Tom Okafor"}]},
        "utterances": [
            {"speaker": at % 2 + 1, "text": text, "start": start / 1_000}
            for at, ((_, text), start) in enumerate(zip(TALK, STARTS, strict=True))
        ],
    }
    reading = read(json.dumps(document))
    assert [one.speaker for one in reading.segments] == ["Ilse Brandt", "Tom Okafor"] * 2


@pytest.mark.parametrize("joined", [{}, {"items": []}, {"items": None}])
def test_one_channel_of_aws_is_read_where_no_list_joins_it(joined: dict[str, object]) -> None:
    items = [
        {"type": "pronunciation", "start_time": str(at), "end_time": str(at + 0.5),
         "alternatives": [{"content": word}]}
        for at, word in enumerate(["With", "one", "drill"], start=1)
    ]  # fmt: skip
    channels = [{"channel_label": "ch_0", "items": items}]
    reading = read(json.dumps({"results": {**joined, "channel_labels": {"channels": channels}}}))
    assert [one.text for one in reading.segments] == ["With one drill"]
    assert [one.start_ms for one in reading.segments] == [1_000]


def test_rows_without_a_time_have_none_where_names_stand_in_cells_of_text() -> None:
    content = "start\tend\ttext\n" + "".join(
        f"{times}\t{who}: {text}\n"
        for (who, text), times in zip(TALK, ("1.0\t2.0", "\t", "\t", "900.0\t901.0"), strict=True)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert [one.start_ms for one in reading.segments] == [1_000, None, None, 900_000]
    assert [one.end_ms for one in reading.segments] == [2_000, None, None, 901_000]


def test_times_of_day_beside_names_in_cells_of_text_are_left_out() -> None:
    content = "start\tend\ttext\n" + "".join(
        f"10:0{at}:00\t10:0{at}:30\t{who}: {text}\n" for at, (who, text) in enumerate(TALK)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert {one.start_ms for one in reading.segments} == {None}
    assert any("times of day" in one for one in reading.notices)


def test_a_second_column_of_text_is_told_where_names_stand_in_cells_of_text() -> None:
    content = "start\ttext\tsecond\n" + "".join(
        f"{at}.0\t{who}: {text}\t{text[::-1]} and more again\n"
        for at, (who, text) in enumerate(TALK, start=1)
    )
    reading = read(content)
    assert said(reading) == TALK
    assert any("column 3" in one for one in (*reading.notices, *reading.report.doubts))


@pytest.mark.parametrize("own", ["text", "content", "transcript"])
def test_monologues_of_rev_with_their_text_beside_its_elements_keep_their_times(own: str) -> None:
    document = {
        "monologues": [
            {
                "speaker": 0 if who == "Ilse" else 1,
                own: text,
                "elements": [
                    {"type": "text", "value": text, "ts": start / 1_000, "end_ts": start / 1_000}
                ],
            }
            for (who, text), start in zip(TALK, STARTS, strict=True)
        ]
    }
    reading = read(json.dumps(document))
    assert [one.text for one in reading.segments] == [text for _, text in TALK]
    assert [one.start_ms for one in reading.segments] == STARTS


def test_a_row_with_more_cells_than_columns_of_speakers_is_in_doubt() -> None:
    turns = "".join(
        f"{at // 60}:{at % 60:02},{'Yes.,' if at % 2 else ',No.'}\n" for at in range(600)
    )
    content = f"Time,Ilse,Tom\n{turns}10:01,,Well, I think so\n"
    assert any("more cells" in one for one in read(content).report.doubts)
    assert not read(f"Time,Ilse,Tom\n{turns}10:01,,Well,,\n").report.doubts
