"""Times that count from elsewhere, in other units, or that nobody states.

Each is a family: what one tool writes, and what its siblings do.
"""

from __future__ import annotations

import json

import pytest

from unit.transcripts.reading_support import read, said

TALK = [
    ("Ilse", "Where did you learn it?", 1_000, 3_000),
    ("Tom", "From my father, he had a shop.", 5_000, 8_000),
    ("Ilse", "Which shop was it?", 9_500, 11_000),
    ("Tom", "Tools, only tools, no paint at all.", 72_000, 75_000),
]
SPOKEN = [(who, text) for who, text, _, _ in TALK]
STARTS = [start for _, _, start, _ in TALK]


def ttml(body: str) -> str:
    return (
        '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" '
        f'xmlns:ttm="http://www.w3.org/ns/ttml#metadata"><body{body}</body></tt>'
    )


BY_DIVISIONS = (
    ' begin="10s"><div begin="00:01:00"><p begin="1s" end="2s">{}</p></div>'
    '<div begin="00:02:00"><p begin="1s" end="2s">{}</p></div>'
)
BY_SPANS = (
    '><div><p><span begin="1s" end="2s">{}</span></p>'
    '<p><span begin="3s" end="4s"/><span begin="4s" end="5s">{}</span></p></div>'
)


@pytest.mark.parametrize(
    ("body", "starts", "ends"),
    [
        (
            ' begin="10s"><div><p begin="1s" end="2s">{}</p><p begin="3s" dur="1s">{}</p></div>',
            [11_000, 13_000],
            [12_000, 14_000],
        ),
        (
            BY_DIVISIONS,
            [71_000, 131_000],
            [72_000, 132_000],
        ),
        (
            BY_SPANS,
            [1_000, 3_000],
            [2_000, 5_000],
        ),
        (
            '><div timeContainer="seq"><p dur="2s">{}</p><p begin="1s" dur="3s">{}</p></div>',
            [0, 3_000],
            [2_000, 6_000],
        ),
        (
            '><div begin="5s" end="7s"><p>{}</p></div><div begin="8s" dur="2s"><p>{}</p></div>',
            [5_000, 8_000],
            [7_000, 10_000],
        ),
    ],
    ids=["body", "divisions", "spans", "in sequence", "of the division"],
)
def test_times_of_ttml_count_from_what_they_stand_in(
    body: str, starts: list[int], ends: list[int]
) -> None:
    reading = read(ttml(body.format("ILSE: A.", "TOM: B.")))
    assert said(reading) == [("ILSE", "A."), ("TOM", "B.")]
    assert [one.start_ms for one in reading.segments] == starts
    assert [one.end_ms for one in reading.segments] == ends


@pytest.mark.parametrize(
    ("unit", "keys"),
    [
        (1e-3, ("start", "end")),
        (1, ("start", "end")),
        (1e3, ("start", "end")),
        (1e4, ("offset", "until")),
        (1e4, ("Offset", "End")),
        (1e6, ("start_time", "end_time")),
    ],
    ids=["s", "ms", "us", "ticks", "ticks of Azure", "ns"],
)
def test_whole_numbers_are_times_of_the_unit_in_which_people_can_speak(
    unit: float, keys: tuple[str, str]
) -> None:
    start, end = keys
    document = [
        {"who": who, "text": text, start: round(begin * unit), end: round(until * unit)}
        for who, text, begin, until in TALK
    ]
    reading = read(json.dumps(document))
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == pytest.approx(STARTS, abs=501 * (unit < 1))


@pytest.mark.parametrize("text", ["DisplayText", "Text", "display_text", "displayText"])
def test_phrases_of_azure_as_they_are_recognised_are_read(text: str) -> None:
    document = [
        {
            "RecognitionStatus": "Success",
            "Offset": begin * 10_000,
            "Duration": (until - begin) * 10_000,
            text: words,
            "SpeakerId": who,
            "Type": "ConversationTranscription",
        }
        for who, words, begin, until in TALK
    ]
    reading = read(json.dumps(document))
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == STARTS
    assert [one.end_ms for one in reading.segments] == [end for _, _, _, end in TALK]


@pytest.mark.parametrize("first", ["10:04:01", "08:30:00", "14:22:07"])
def test_times_of_day_in_tables_and_json_are_no_times_of_the_recording(first: str) -> None:
    hour, minute, second = map(int, first.split(":"))
    clocks = [f"{hour:02}:{minute + at:02}:{second + at:02}" for at in range(4)]
    talk = [(clock, who, text) for clock, (who, text) in zip(clocks, SPOKEN, strict=True)]
    for content in (
        "time,speaker,text\n" + "".join(f'{one},{who},"{text}"\n' for one, who, text in talk),
        json.dumps([{"time": one, "speaker": who, "text": text} for one, who, text in talk]),
    ):
        reading = read(content)
        assert said(reading) == SPOKEN
        assert {one.start_ms for one in reading.segments} == {None}
        assert any("of day" in one for one in reading.notices)


def test_when_messages_were_sent_is_no_time_of_a_recording_and_in_no_doubt() -> None:
    document = {"messages": [
        {"sender": who, "sentAt": 1_710_237_840_000 + start, "body": text}
        for who, text, start, _ in TALK
    ]}  # fmt: skip
    reading = read(json.dumps(document))
    assert said(reading) == SPOKEN
    assert not reading.report.doubts


@pytest.mark.parametrize(
    "names", [("t0", "t1"), ("tmin", "tmax"), ("start_s", "stop_s"), ("In", "Out")]
)
def test_columns_of_times_have_many_names(names: tuple[str, str]) -> None:
    content = f"id,who,{names[0]},{names[1]},what was said\n" + "".join(
        f'{at},{who},{start / 1_000},{end / 1_000},"{text}"\n'
        for at, (who, text, start, end) in enumerate(TALK, start=1)
    )
    reading = read(content)
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == STARTS


def test_a_column_that_rises_as_times_do_and_has_no_known_name_is_in_doubt() -> None:
    content = "id,who,xqz,text\n" + "".join(
        f'{at},{who},{start},"{text}"\n' for at, (who, text, start, _) in enumerate(TALK, start=1)
    )
    reading = read(content)
    assert any("column 3" in one and "rises" in one for one in reading.report.doubts)
    plain = "id,who,text\n" + "".join(
        f'{at},{who},"{text}"\n' for at, (who, text, _, _) in enumerate(TALK, start=1)
    )
    assert not read(plain).report.doubts


def test_a_turn_without_a_time_does_not_get_one_of_minutes_later() -> None:
    content = (
        "Site call - Transcript\n00:00:00\n\nIlse Brandt: Where did you learn it?\n"
        "Tom Okafor: From my father.\n\n00:05:07\n\nIlse Brandt: Which shop?\nTom Okafor: Tools.\n"
    )
    reading = read(content)
    assert [one.start_ms for one in reading.segments] == [0, None, 307_000, None]
    assert reading.segments[0].end_ms in {None, 0}


@pytest.mark.parametrize("name", ["end", "End time", "until", "stop", "t1", "end_ms"])
def test_a_column_of_ends_alone_tells_no_starts(name: str) -> None:
    unit = 1 if name.endswith("ms") else 1_000
    content = f"speaker,{name},text\n" + "".join(
        f'{who},{end / unit},"{text}"\n' for who, text, _, end in TALK
    )
    reading = read(content)
    assert said(reading) == SPOKEN
    assert {one.start_ms for one in reading.segments} == {None}


AGENTS = (
    '<head><metadata><ttm:agent xml:id="a" type="person"><ttm:name>Ilse</ttm:name></ttm:agent>'
    '<ttm:agent xml:id="b" type="person"><ttm:name>Tom</ttm:name></ttm:agent></metadata></head>'
)


@pytest.mark.parametrize("place", ["division", "paragraph", "either", "span"])
def test_agents_of_ttml_speak_in_what_stands_in_them(place: str) -> None:
    def turn(agent: str, text: str, at: int) -> str:
        named = f'ttm:agent="{agent}"'
        division = {"division": named, "either": 'ttm:agent="a"'}.get(place, "")
        paragraph = {"paragraph": named, "either": named if agent == "b" else ""}.get(place, "")
        span = named if place == "span" else ""
        times = f'begin="{at}s" end="{at + 1}s"'
        return f"<div {division}><p {times} {paragraph}><span {span}>{text}</span></p></div>"

    body = turn("a", "A.", 1) + turn("b", "B.", 3)
    content = ttml("").replace("<body</body>", f"{AGENTS}<body>{body}</body>")
    assert said(read(content)) == [("Ilse", "A."), ("Tom", "B.")]


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-03-12 10:04:0{}",
        "12/03/2024, 10:04:0{}",
        "12.03.24, 10:04:0{}",
        "10:04:0{} AM",
        "Mar 12, 2024 10:04:0{}",
    ],
)
@pytest.mark.parametrize(
    "layout", ["**[{t}] {n}:** {x}", "[{t}] {n}: {x}", "**{n}** ({t}): {x}", "**{n} [{t}]:** {x}"]
)
def test_times_of_day_beside_names_in_bold_are_no_part_of_the_names(
    layout: str, stamp: str
) -> None:
    content = "\n\n".join(
        layout.format(t=stamp.format(at), n=who, x=text) for at, (who, text) in enumerate(SPOKEN, 1)
    )
    reading = read(content)
    assert said(reading) == SPOKEN
    assert {one.start_ms for one in reading.segments} == {None}


@pytest.mark.parametrize("key", ["start", "startTime", "offset", "begin"])
def test_short_answers_without_ends_between_pauses_have_milliseconds(key: str) -> None:
    starts = [1_000, 61_000, 125_000, 190_000]
    document = [
        {"speaker": who, key: start, "text": text}
        for start, (who, text) in zip(
            starts, (("Ilse", "Yes"), ("Tom", "No"), ("Ilse", "Ok"), ("Tom", "Hm")), strict=True
        )
    ]
    assert [one.start_ms for one in read(json.dumps(document)).segments] == starts


@pytest.mark.parametrize("unit", [1e3, 1e4, 1e6], ids=["us", "ticks", "ns"])
def test_large_numbers_without_ends_are_of_smaller_units(unit: float) -> None:
    document = [
        {"who": who, "text": text, "start": round(begin * unit)}
        for who, text, begin in ((who, text, 100_000 + begin) for who, text, begin, _ in TALK)
    ]
    starts = [100_000 + begin for begin in STARTS]
    assert [one.start_ms for one in read(json.dumps(document)).segments] == starts


def test_paragraphs_of_ttml_without_a_body_are_read() -> None:
    content = (
        '<tt xmlns="http://www.w3.org/ns/ttml"><head/><div><p begin="1s" end="2s">ILSE: A.</p>'
        '<p begin="3s" end="4s">TOM: B.</p></div></tt>'
    )
    reading = read(content)
    assert said(reading) == [("ILSE", "A."), ("TOM", "B.")]
    assert [one.start_ms for one in reading.segments] == [1_000, 3_000]
