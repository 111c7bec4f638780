"""What tools and people write around a talk: summaries, lists of tasks, titles, details."""

from __future__ import annotations

import pytest

from unit.transcripts.reading_support import read, said

TALK = "Ida: How was it?\nOtto: Slow. Good: the food.\nIda: And the beds?\nOtto: Hard.\n"
TURNS = [
    ("Ida", "How was it?"),
    ("Otto", "Slow. Good: the food."),
    ("Ida", "And the beds?"),
    ("Otto", "Hard."),
]


@pytest.mark.parametrize(
    "section",
    [
        "Summary\nThe food was good.\n\nAction items\n- Otto: buy beds\n- Ida: call him\n",
        "## Key takeaways\n* Food: good\n* Otto: wants beds\n",
        "ACTION ITEMS:\n1. Buy beds\n2. Call Otto\n",
        "**Next steps**\n\nBuy beds by Monday.\n",
        "Zusammenfassung\nDas Essen war gut.\n",
        "Points clés :\n- Lits : durs\n",
    ],
)
def test_a_summary_below_the_talk_is_nobodys_speech_and_is_reported(section: str) -> None:
    reading = read(TALK + "\n" + section)
    assert said(reading) == TURNS
    assert not reading.report.doubts
    assert "of a summary or list that stands beside the talk" in " ".join(reading.notices)
    assert "line 6" in " ".join(reading.notices)


def test_a_summary_above_a_heading_of_the_transcript_is_nobodys_speech() -> None:
    above = "Hotel call\n\n# Summary\n- Otto: unhappy\n- Price: high\n\n# Transcript\n\n"
    reading = read(above + TALK)
    assert said(reading) == [("Speaker", "Hotel call"), *TURNS]
    assert "of a summary or list that stands beside the talk" in " ".join(reading.notices)


def test_a_heading_of_a_summary_that_turns_follow_is_in_doubt() -> None:
    reading = read(TALK + "\nAction items\nOtto: buys beds\nIda: calls him\n")
    assert said(reading)[:3] == TURNS[:3]
    (doubt,) = reading.report.doubts
    assert "line 6, “Action items”" in doubt


def test_a_speaker_may_say_the_words_of_such_a_heading() -> None:
    talk = TALK + "Ida: In short?\nOtto: A summary\nof it all: hard beds.\n"
    assert said(read(talk))[-1] == ("Otto", "A summary of it all: hard beds.")
    again = "Ida: What is next?\n\nOtto: Well.\n\nSummary, I said, is bad.\n\nIda: Why?\n"
    assert said(read(again))[1] == ("Otto", "Well. Summary, I said, is bad.")


def test_a_title_in_markdown_with_a_colon_is_no_speaker() -> None:
    bold = "# Ep 4: The inn\n\n**Ida:** Hello.\n\n**Otto:** Hi, Ida.\n\n**Ida:** Well?\n"
    assert said(read(bold)) == [
        ("Speaker", "# Ep 4: The inn"), ("Ida", "Hello."), ("Otto", "Hi, Ida."), ("Ida", "Well?"),
    ]  # fmt: skip


def test_headings_in_markdown_may_name_all_speakers() -> None:
    named = "## Ida: Hello.\n\n## Otto: Hi.\n\n## Ida: Well?\n"
    assert said(read(named)) == [("Ida", "Hello."), ("Otto", "Hi."), ("Ida", "Well?")]


def test_details_above_turns_with_times_are_no_turn() -> None:
    talk = (
        "Interview 4\nInterviewee: Otto, 58, porter\n00:00:04\tI\tHow was it?\n"
        "00:00:07\tO\tSlow. Price: fair.\n00:00:13\tI\tAnd the beds?\n00:00:15\tO\tHard.\n"
    )
    assert said(read(talk)) == [
        ("Speaker", "Interview 4 Interviewee: Otto, 58, porter"), ("I", "How was it?"),
        ("O", "Slow. Price: fair."), ("I", "And the beds?"), ("O", "Hard."),
    ]  # fmt: skip


def test_whoever_leads_a_group_is_named_above_it_and_says_nothing_there() -> None:
    head = "GROUP 3\nTown hall, 14 June\nFacilitator: J. Reyes\nPresent: 4 people, 1 note taker\n\n"
    talk = (
        "Facilitator: How is it?\nParticipant 1: Dear.\nFacilitator: Why?\nParticipant 2: Rents.\n"
    )
    reading = read(head + talk)
    assert said(reading)[1:] == [
        ("Facilitator", "How is it?"), ("Participant 1", "Dear."),
        ("Facilitator", "Why?"), ("Participant 2", "Rents."),
    ]  # fmt: skip
    assert not reading.report.doubts


def test_a_time_and_a_name_parted_by_a_bar_stand_above_what_was_said() -> None:
    talk = "0:00 | Ida\nHow was it?\n\n0:04 | Otto\nSlow. Twice: in May.\n\n0:11 | Ida\nAnd then?\n"
    assert said(read(talk)) == [
        ("Ida", "How was it?"), ("Otto", "Slow. Twice: in May."), ("Ida", "And then?"),
    ]  # fmt: skip


def test_tasks_that_a_tool_writes_into_the_talk_are_dropped_and_counted() -> None:
    talk = (
        "0:00 - Ida\n  How was it?\n  ACTION ITEM: Call Otto - WATCH: https://x.example/1?timestamp=0\n\n"
        "0:04 - Otto\n  Slow. Really: slow.\n\n0:09 - Ida\n  Why?\n"
    )
    reading = read(talk)
    assert said(reading)[0] == ("Ida", "How was it?")
    assert any(
        "1 line that a tool wrote around the talk was dropped: line " in one
        for one in reading.notices
    )


def test_a_list_of_authors_is_in_doubt() -> None:
    reading = read(
        "Berg, Ida: At sea. Riga 2001.\nFalk, Otto: On land. Lund 2004.\nLind, A: Air.\n"
    )
    assert any("each of the 3 names stands once" in one for one in reading.report.doubts)


def test_subviewer_breaks_lines_in_its_own_way() -> None:
    cues = "[INFORMATION]\n[TITLE]x\n[END INFORMATION]\n[SUBTITLE]\n[COLF]&HFFFFFF,[SIZE]18\n"
    cues += (
        "00:00:01.00,00:00:03.50\nIda: How?\n\n00:00:03.80,00:00:06.00\nOtto: Slow.[br]Really.\n"
    )
    assert said(read(cues)) == [("Ida", "How?"), ("Otto", "Slow. Really.")]


def test_otranscribe_keeps_fractions_of_seconds_in_its_mark_up() -> None:
    spans = [
        ("1.25", "0:01", "Ida: How?"),
        ("4.5", "0:04", "Otto: Slow."),
        ("9", "0:09", "Ida: Oh."),
    ]
    html = "".join(
        f'<p><span class=\\"timestamp\\" data-timestamp=\\"{exact}\\">{shown}</span>{text}</p>'
        for exact, shown, text in spans
    )
    reading = read(f'{{"text": "{html}", "media": "a.mp3", "media-time": 1}}')
    assert [segment.start_ms for segment in reading.segments] == [1_250, 4_500, 9_000]


def test_two_fields_of_a_header_are_nobodys_speech() -> None:
    reading = read("Meeting Title: The hotel\nDate: Mar 3\n\nTranscript:\n\n" + TALK)
    assert said(reading) == [("Speaker", "Meeting Title: The hotel Date: Mar 3"), *TURNS]
    assert said(read("Ann: How was it?\nNote: the beds.\n\n" + TALK))[0][0] == "Ann"


@pytest.mark.parametrize(
    "fields",
    [
        "title: Wells\ndate: 2026-03-04\nguest: Ravi Menon",
        "layout: post\ntags:\n  - wells\n  - water\nspeakers:\n- Odile\n- Ravi",
        "title: How did it begin?\ndescription: A talk on wells.\nguest: Ravi Menon\nlang: en",
        "Title: Wells\nHost: Cleo Marsh\nAuthor: Ravi Menon jr.",
    ],
)
@pytest.mark.parametrize("end", ["---", "..."])
def test_fields_between_rules_at_the_top_are_nobodys_words(fields: str, end: str) -> None:
    reading = read(f"---\n{fields}\n{end}\n\nOdile: How?\n\nRavi: With a ladder.\n")
    assert said(reading) == [("Odile", "How?"), ("Ravi", "With a ladder.")]
    assert any("lines 1, 2" in one for one in reading.notices)


@pytest.mark.parametrize("turn", ["{}\n{}\n\n", "{} | {}\n", "- **{}** {}\n", "{}> {}\n"])
def test_fields_between_rules_are_nobodys_words_above_turns_without_colons(turn: str) -> None:
    talk = "".join(turn.format(*one) for one in TURNS)
    assert said(read(f"---\ntitle: Beds\ndate: 2026-03-04\n---\n\n{talk}")) == TURNS


@pytest.mark.parametrize(
    "below",
    [
        "Odile: Only one?\nRavi: One.\n",
        "Cleo: Fine then.\nDora: Yes, fine.\nCleo: So?\n",
        "\nEnd of it.\n",
        "",
    ],
)
@pytest.mark.parametrize(
    "turns",
    [
        "Odile: How?\nRavi: So.",
        "Odile: how\nRavi: with a ladder",
        "P1: How?\nP2: with a ladder",
    ],
)
def test_a_talk_between_rules_stays(turns: str, below: str) -> None:
    reading = read(f"---\n{turns}\n---\n{below}")
    first, second = (f"{one}: {text}" for one, text in said(reading)[:2])
    assert (first, second.removesuffix(" End of it.")) == tuple(turns.splitlines())
    assert not any("dropped" in one for one in reading.notices)


@pytest.mark.parametrize("page", ["Page {} of 2", "page {}", "Seite {} von 2", "p. {}", "стр. {}"])
def test_page_numbers_at_the_right_margin_are_nobodys_words(page: str) -> None:
    content = (
        f"Ida: How was it?          {page.format(1)}\nOtto: Slow. Good: the food.\n\f\n"
        f"Ida: And the beds?        {page.format(2)}\nOtto: Hard.\n"
    )
    reading = read(content)
    assert said(reading) == TURNS
    assert any("2 page numbers" in one for one in reading.notices)


def test_a_page_that_somebody_names_stays() -> None:
    content = "Ida: Where is it?\nOtto: It is on page 1 of 9\nIda: And the beds?\nOtto: page 2\n"
    assert said(read(content))[1] == ("Otto", "It is on page 1 of 9")


@pytest.mark.parametrize("title", ["# A talk on wells", "## A talk on wells"])
def test_a_title_stands_without_its_mark(title: str) -> None:
    assert said(read(f"{title}\n\n{TALK}")) == [("Speaker", "A talk on wells"), *TURNS]


@pytest.mark.parametrize(
    "line",
    [
        "(Transcribed by TurboScribe.ai. Go Unlimited to remove this message.)",
        "[Created with scriber.io]",
        "@ This file written with the Avid Caption plugin, version 1",
        "Tactiq.io free account",
    ],
)
def test_what_tools_write_of_themselves_is_nobodys_words(line: str) -> None:
    reading = read(f"{line}\n\n{TALK}")
    assert said(reading) == TURNS
    assert any("dropped: line 1" in one for one in reading.notices)


CREDITS = [
    "(Transcribed by TurboScribe.ai. Go Unlimited to remove this message.)",
    "[Created with scriber.io]",
]


@pytest.mark.parametrize("line", CREDITS)
@pytest.mark.parametrize(
    "turn", ["{}: {}\n", "{}\n{}\n\n", "[0:01] {}: {}\n", "{}> {}\n", "- **{}** {}\n"]
)
def test_a_tool_names_itself_above_or_below_the_talk(line: str, turn: str) -> None:
    talk = "".join(turn.format(*one) for one in TURNS)
    for content in (f"{line}\n\n{talk}", f"{talk}\n{line}\n[End of transcript]\n"):
        assert said(read(content)) == TURNS
    title = f"Beds of hotels\nDate: 3 March\n{line}\n\n{talk}"
    assert not any(line[1:15] in text for _, text in said(read(title)))


@pytest.mark.parametrize("line", [*CREDITS, "(Made with love.com is the shop we run)"])
@pytest.mark.parametrize(
    "turn", ["{}: {}\n", "{}\n{}\n\n", "[0:01] {}: {}\n", "{}> {}\n", "- **{}** {}\n"]
)
def test_a_tool_that_somebody_names_within_a_turn_stays(line: str, turn: str) -> None:
    turns = [turn.format(*one).rstrip("\n") for one in TURNS]
    for at in range(len(turns) - 1):
        content = "\n\n".join([*turns[:at], f"{turns[at]}\n{line}", *turns[at + 1 :]])
        assert any(line[1:-1] in text for _, text in said(read(content)))
    long = f"(Made with love.com {'is the shop we run ' * 3})"
    assert any("love.com" in text for _, text in said(read(f"{long}\n\n{TALK}")))
