"""Formats of the tools that linguists and oral historians transcribe with."""

from __future__ import annotations

import pytest

from contracts.transcript import TranscriptFormat
from transcripts import MalformedTranscriptError, TranscriptReading, read_transcript
from unit.transcripts.reading_support import said

LONG_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 6
tiers? <exists>
size = {size}
item []:
"""


def _tier(number: int, name: str, *intervals: tuple[float, float, str]) -> str:
    rows = "".join(
        f"        intervals [{place}]:\n            xmin = {start}\n            xmax = {end}\n"
        f'            text = "{text}"\n'
        for place, (start, end, text) in enumerate(intervals, start=1)
    )
    return (
        f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
        f"        xmin = 0\n        xmax = 6\n        intervals: size = {len(intervals)}\n{rows}"
    )


def _grid(*tiers: str) -> str:
    return LONG_GRID.format(size=len(tiers)) + "".join(tiers)


def _starts(reading: TranscriptReading) -> list[int | None]:
    return [segment.start_ms for segment in reading.segments]


def test_textgrid_tiers_are_speakers_and_silences_are_none() -> None:
    grid = _grid(
        _tier(1, "Odile", (0, 1, ""), (1, 2, "How?"), (2, 3, "<p:>"), (3, 6, 'A ""what""?')),
        _tier(2, "Ravi", (0, 2, ""), (2, 3, "With a ladder: mine."), (3, 6, "")),
    )
    reading = read_transcript(grid)
    assert reading.format is TranscriptFormat.TEXTGRID
    assert said(reading) == [
        ("Odile", "How?"), ("Ravi", "With a ladder: mine."), ("Odile", 'A "what"?'),
    ]  # fmt: skip
    assert _starts(reading) == [1_000, 2_000, 3_000]
    assert not reading.report.doubts


def test_textgrid_words_and_sounds_beside_utterances_are_passed_over_and_counted() -> None:
    grid = _grid(_tier(1, "Odile - utterances", (1, 2, "How so?")),
                 _tier(2, "Odile - words", (1, 1.5, "how"), (1.5, 2, "so")),
                 _tier(3, "Odile - phones", (1, 1.2, "h"), (1.2, 1.5, "aU")),
                 _tier(4, "Ravi - words", (2, 2.5, "with"), (2.5, 3, "ladders")),
                 _tier(5, "Ravi - phones", (2, 2.5, "w")))  # fmt: skip
    reading = read_transcript(grid)
    assert said(reading) == [("Odile", "How so?"), ("Ravi", "with ladders")]
    assert any(one.startswith("3 tiers of sounds, notes or words") for one in reading.notices)


def test_textgrid_with_one_tier_of_words_names_nobody() -> None:
    reading = read_transcript(_grid(_tier(1, "words", (1, 1.5, "how"), (1.5, 2, "so"))))
    assert said(reading) == [("Speaker", "how so")]
    assert "1 passage names no speaker" in " ".join(reading.notices)


def test_tiers_with_the_same_times_are_in_doubt() -> None:
    grid = _grid(_tier(1, "Odile", (1, 2, "Wie?"), (3, 4, "Und wann?")),
                 _tier(2, "English", (1, 2, "How?"), (3, 4, "And when?")))  # fmt: skip
    (doubt,) = read_transcript(grid).report.doubts
    assert "“Odile” and “English” begin and end at the same times in 2 places" in doubt


def test_a_textgrid_that_ends_within_a_tier_is_refused() -> None:
    grid = _grid(_tier(1, "Odile", (1, 2, "How?"), (2, 3, "When?")))
    with pytest.raises(MalformedTranscriptError, match="ends before all of its intervals"):
        read_transcript(grid[: grid.rindex("text =")])


def test_a_textgrid_whose_count_is_no_number_is_refused() -> None:
    grid = _grid(_tier(1, "Odile", (1, 2, "How?"))).replace(
        "size = 1\n        int", "size = 1e999\n int"
    )
    with pytest.raises(MalformedTranscriptError, match="does not count its intervals"):
        read_transcript(grid)


TRS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE Trans SYSTEM "trans-14.dtd">
<Trans><Speakers><Speaker id="spk1" name="Odile"/><Speaker id="spk2" name="Ravi"/></Speakers>
<Episode><Section type="report" startTime="0" endTime="9">
<Turn speaker="spk1" startTime="1" endTime="3"><Sync time="1"/>
how <Event desc="rire" type="noise" extent="instantaneous"/> so
<Sync time="2.5"/>
then</Turn>
<Turn startTime="3" endTime="4"><Sync time="3"/>

</Turn>
<Turn speaker="spk1 spk2" startTime="4" endTime="6"><Sync time="4"/>
<Who nb="1"/>
with a ladder
<Who nb="2"/>
mine</Turn></Section></Episode></Trans>"""


def test_turns_of_transcriber_have_names_times_and_several_speakers_at_once() -> None:
    reading = read_transcript(TRS)
    assert reading.format is TranscriptFormat.TRANSCRIBER
    assert said(reading) == [
        ("Odile", "how so then with a ladder"), ("Ravi", "mine"),
    ]  # fmt: skip
    assert _starts(reading) == [1_000, 4_000]
    assert not reading.report.doubts


def test_speech_of_nobody_in_a_transcriber_turn_is_counted() -> None:
    turn = '<Turn startTime="3" endTime="4"><Sync time="3"/>[music]\n</Turn>'
    reading = read_transcript(TRS.replace("</Section>", turn + "</Section>"))
    assert said(reading)[-1] == ("Speaker", "[music]")
    assert "1 passage names no speaker" in " ".join(reading.notices)


EXB = """<basic-transcription><head><speakertable>
<speaker id="SPK0"><abbreviation>OD</abbreviation></speaker>
<speaker id="SPK1"><abbreviation>RA</abbreviation></speaker></speakertable></head>
<basic-body><common-timeline><tli id="T0" time="1"/><tli id="T1" time="2"/><tli id="T2"/>
<tli id="T3" time="4"/></common-timeline>
<tier id="A" speaker="SPK0" category="v" type="t"><event start="T0" end="T1">Wie? </event>
<event start="T2" end="T3">Ach so. </event></tier>
<tier id="B" speaker="SPK0" category="en" type="a"><event start="T0" end="T1">How?</event></tier>
<tier id="C" speaker="SPK1" category="v" type="t"><event start="T1" end="T2">Mit Leitern. </event>
</tier></basic-body></basic-transcription>"""


def test_exmaralda_events_follow_the_time_line_also_where_it_has_no_time() -> None:
    reading = read_transcript(EXB)
    assert reading.format is TranscriptFormat.EXMARALDA
    assert said(reading) == [("OD", "Wie?"), ("RA", "Mit Leitern."), ("OD", "Ach so.")]
    assert _starts(reading)[:2] == [1_000, 2_000]
    assert any("1 tier of sounds, notes or words" in one for one in reading.notices)


FLN = """<folker-transcription><speakers><speaker speaker-id="OD"><name>Odile</name></speaker>
<speaker speaker-id="RA"/></speakers><timeline><timepoint timepoint-id="T0" absolute-time="1.0"/>
<timepoint timepoint-id="T1" absolute-time="2.0"/></timeline>
<contribution speaker-reference="OD" start-reference="T0" end-reference="T1">
<w>how</w><pause duration="micro"/><w>so</w></contribution>
<contribution speaker-reference="RA" start-reference="T1" end-reference="T1"><segment
start-reference="T1" end-reference="T1">with a ladder</segment></contribution>
</folker-transcription>"""


def test_folker_contributions_have_names_and_times() -> None:
    reading = read_transcript(FLN)
    assert reading.format is TranscriptFormat.FOLKER
    assert said(reading) == [("Odile", "how so"), ("RA", "with a ladder")]
    assert _starts(reading) == [1_000, 2_000]


TEI = """<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><particDesc>
<person xml:id="OD"><persName>Odile</persName></person><person xml:id="RA"/></particDesc>
</teiHeader><text>{timeline}<body>{body}</body></text></TEI>"""


def test_tei_utterances_have_names_and_times_and_no_stage_directions() -> None:
    timeline = (
        '<timeline unit="s"><when xml:id="T0"/><when xml:id="T1" interval="1.5" since="#T0"/>'
        '<when xml:id="T2" absolute="00:00:04.000"/></timeline>'
    )
    body = (
        '<annotationBlock who="#OD" start="#T1" end="#T2"><u><seg><w>how</w><w>so</w><pause/></seg>'
        "</u><spanGrp><span>ADV</span></spanGrp></annotationBlock>"
        '<u who="#RA" start="#T2">with a <vocal><desc>laughs</desc></vocal> ladder</u>'
    )
    reading = read_transcript(TEI.format(timeline=timeline, body=body))
    assert reading.format is TranscriptFormat.TEI
    assert said(reading) == [("Odile", "how so"), ("RA", "with a ladder")]
    assert _starts(reading) == [1_500, 4_000]


def test_tei_speeches_are_named_by_their_speakers() -> None:
    body = (
        "<sp><speaker>RAVI.</speaker><stage>on a ladder</stage><p>Here.</p><p>Rule: none.</p></sp>"
        '<sp who="#OD"><speaker>O.</speaker><l>How?</l></sp>'
    )
    reading = read_transcript(TEI.format(timeline="", body=body))
    assert said(reading) == [("RAVI", "Here. Rule: none."), ("Odile", "How?")]


def test_a_document_type_of_its_own_is_refused_still() -> None:
    bomb = '<!DOCTYPE Trans [<!ENTITY b "cc">]><Trans><Turn>&b;</Turn></Trans>'
    with pytest.raises(MalformedTranscriptError, match="document type of its own"):
        read_transcript(bomb)


def test_microdvd_counts_frames_at_the_rate_its_first_line_states() -> None:
    cues = "{50}{75}Odile: How?\n{100}{150}{y:i}Ravi: With|a ladder.\n"
    reading = read_transcript("{1}{1}50\n" + cues)
    assert reading.format is TranscriptFormat.MICRODVD
    assert said(reading) == [("Odile", "How?"), ("Ravi", "With a ladder.")]
    assert _starts(reading) == [1_000, 2_000]
    unstated = read_transcript(cues)
    assert _starts(unstated) == [2_000, 4_000]
    assert (
        "2 times count frames; they were read at 25 frames a second, which the file does not state"
    ) in unstated.notices
