"""Tiers and lists of one speaker each, and subtitles without their head.

Each is a family: what one tool writes, and what its siblings do.
"""

from __future__ import annotations

import json

import pytest

from unit.transcripts.reading_support import read, said

TALK = [
    ("Ilse", "Who keeps the bees?", 1.0, 3.0),
    ("Tom", "I do, and no gloves.", 5.0, 8.0),
    ("Ilse", "Do they sting?", 9.5, 10.0),
    ("Tom", "Every day.", 72.0, 75.0),
]
SPOKEN = [(who, text) for who, text, _, _ in TALK]
STARTS = [round(start * 1_000) for _, _, start, _ in TALK]


def eaf(*tiers: tuple[str, str, list[tuple[int, int, str]]], units: str = "milliseconds") -> str:
    times = sorted(
        {time for _, _, ones in tiers for start, end, _ in ones for time in (start, end)}
    )
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="t{one}" TIME_VALUE="{one}"/>' for one in times)
    body = "".join(
        f'<TIER TIER_ID="{name}" PARTICIPANT="{who}">'
        + "".join(
            f'<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="t{start}" TIME_SLOT_REF2="t{end}">'
            f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
            for start, end, text in ones
        )
        + "</TIER>"
        for name, who, ones in tiers
    )
    return (
        f'<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="{units}"/><TIME_ORDER>{slots}</TIME_ORDER>'
        f"{body}</ANNOTATION_DOCUMENT>"
    )


ILSE = ("Ilse", "Ilse", [(1_000, 3_000, "Who keeps the bees?"), (9_500, 10_000, "Do they sting?")])
TOM = ("Tom", "Tom", [(5_000, 8_000, "I do."), (72_000, 75_000, "Every day.")])


@pytest.mark.parametrize(
    "second",
    [
        [(5_000, 8_000, "nod"), (72_000, 75_000, "shrug")],
        [(5_000, 6_000, "I"), (6_000, 8_000, "do."), (72_000, 73_000, "Every"),
         (73_000, 75_000, "day.")],
        [(5_500, 9_000, "nod"), (72_500, 74_000, "shrug")],
    ],
    ids=["the same times", "words", "overlapping"],
)  # fmt: skip
def test_a_second_tier_of_one_participant_beside_the_first_is_in_doubt(
    second: list[tuple[int, int, str]],
) -> None:
    doubts = read(eaf(ILSE, TOM, ("Tom_more", "Tom", second))).report.doubts
    assert any("Tom_more" in one for one in doubts)
    later = [(start + 100_000, end + 100_000, text) for start, end, text in second]
    assert not read(eaf(ILSE, TOM, ("Tom_more", "Tom", later))).report.doubts


@pytest.mark.parametrize(("units", "factor"), [("PAL-frames", 40.0), ("NTSC-frames", 1001 / 30)])
def test_times_of_elan_may_count_frames(units: str, factor: float) -> None:
    reading = read(eaf(("Ilse", "Ilse", [(25, 75, "Who?")]), ("Tom", "Tom", [(125, 200, "I.")]),
                       units=units))  # fmt: skip
    assert [one.start_ms for one in reading.segments] == [round(25 * factor), round(125 * factor)]


@pytest.mark.parametrize("listed", ["segments", "utterances", "turns"])
def test_lists_of_one_speaker_each_are_put_in_the_order_of_their_times(listed: str) -> None:
    document = {
        "speakers": [
            {
                "label": name,
                listed: [
                    {"start": start, "end": end, "text": text}
                    for who, text, start, end in TALK
                    if who == name
                ],
            }
            for name in ("Ilse", "Tom")
        ]
    }
    reading = read(json.dumps(document))
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == STARTS


def test_a_column_of_speakers_that_is_empty_leaves_the_names_in_the_cells_of_text() -> None:
    content = "start,speaker,text\n" + "".join(
        f'{start},,"{who}: {text}"\n' for who, text, start, _ in TALK
    )
    reading = read(content)
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == STARTS


@pytest.mark.parametrize("head", ["", "; made by hand\n", "[V4+ Styles]\nFormat: Name\nStyle: D\n"])
@pytest.mark.parametrize("name", ["Name", "Actor"])
def test_subtitles_of_substation_alpha_are_known_by_their_events(head: str, name: str) -> None:
    def clock(seconds: float) -> str:
        return f"0:{int(seconds) // 60:02}:{seconds % 60:05.2f}"

    content = f"{head}[Events]\nFormat: Start, End, Style, {name}, Text\n" + "".join(
        f"Dialogue: {clock(start)},{clock(end)},Default,{who},{text}\n"
        for who, text, start, end in TALK
    )
    reading = read(content)
    assert said(reading) == SPOKEN
    assert [one.start_ms for one in reading.segments] == STARTS
