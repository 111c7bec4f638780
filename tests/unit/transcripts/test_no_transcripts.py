"""Files that look like transcripts and are none, or hold more than what was said.

Made up as tools and people write them; that they are refused or in doubt was written down first.
"""

from __future__ import annotations

import pytest

from transcripts.errors import UnknownFormatError
from unit.transcripts.reading_support import read, said


def doubts(content: str) -> str:
    return " ".join(read(content).report.doubts)


def srt(*payloads: str) -> str:
    return "".join(
        f"{at}\n00:00:{at:02d},000 --> 00:00:{at:02d},900\n{one}\n\n"
        for at, one in enumerate(payloads, start=1)
    )


LINES = ["starting worker", "retrying the request", "connected", "connection lost", "stopped"]


@pytest.mark.parametrize(
    "form",
    [
        "2024-03-04 10:00:0{} INFO: {}",
        "[10:00:0{}] [main/WARN]: {}",
        "10:00:0{} [net] ERROR {}",
        "2024-03-04 10:00:0{} - app - DEBUG - {}",
        "INFO:root.worker{}:{}",
        "Mar  4 10:00:0{} host sshd[812]: {}",
        '127.0.0.{} - - [04/Mar/2024:10:00:00 +0100] "{}" 200',
    ],
)
def test_logs_of_programs_are_refused(form: str) -> None:
    with pytest.raises(UnknownFormatError, match="log of a program"):
        read("\n".join(form.format(at, line) for at, line in enumerate(LINES)))


def test_a_talk_about_errors_is_no_log() -> None:
    content = "[10:00:01] Ann: ERROR 404, what is it?\n[10:00:05] Bo: INFO desks know.\n" * 2
    assert {who for who, _ in said(read(content))} == {"Ann", "Bo"}


@pytest.mark.parametrize("name", ["sprite.jpg#xywh={},0,160,90", "https://a.example/t{}.png"])
def test_tracks_of_thumbnails_are_refused(name: str) -> None:
    cues = [f"00:0{at}.000 --> 00:0{at}.900\n{name.format(at)}\n" for at in range(1, 4)]
    with pytest.raises(UnknownFormatError, match="thumbnails"):
        read("WEBVTT\n\n" + "\n".join(cues))


@pytest.mark.parametrize("mark", ["- ", "* ", "[ ] "])
@pytest.mark.parametrize("heading", ["Action items", "## Next steps", "Aufgaben"])
def test_lists_of_tasks_are_in_doubt(mark: str, heading: str) -> None:
    tasks = ["Maria: order keys", "Jonas: call the drivers", "Ana: fix it", "Maria: send the bill"]
    content = f"Minutes of 4 March\n\n{heading}\n" + "".join(f"{mark}{one}\n" for one in tasks)
    assert doubts(content)


def test_turns_in_a_list_are_in_no_doubt() -> None:
    turns = ["Maria: Who has keys?", "Jonas: I have.", "Maria: And today?", "Jonas: No."]
    assert doubts("".join(f"- {one}\n" for one in turns)) == ""


def test_a_bibliography_is_in_doubt() -> None:
    content = (
        "Berg, Jonas: The Gate. Bonn 2001.\nLopes, Maria: On Mornings. Porto 2011.\n"
        "Berg, Jonas: After the Gate. Bonn 2005.\nWeber, Anna: Buses. Ulm 1999.\n"
    )
    assert "end with a year" in doubts(content)


def test_a_screenplay_is_in_doubt() -> None:
    content = (
        "INT. DEPOT - MORNING\n\n            MARIA\n        You're early.\n\n"
        "Jonas shuts the gate.\n\n            JONAS\n        It was open.\n\n"
        "            MARIA\n        Was it?\n"
    )
    assert "heading of a scene" in doubts(content)


def test_cues_in_two_languages_under_one_name_are_in_doubt() -> None:
    pairs = [("Maria", "Wie?", "How?"), ("Jonas", "Gut.", "Well."), ("Maria", "Und?", "And?")]
    content = srt(*(f"{who}: {one}\n{who}: {other}" for who, one, other in pairs))
    assert "a translation of the other" in doubts(content)


def test_signs_of_italics_are_no_speech() -> None:
    content = "[10][30]Ann: How are you?\n[35][60]Bo: /Fine.|/Thanks.\n[65][90]Ann: Again?\n"
    assert said(read(content))[1] == ("Bo", "Fine. Thanks.")


def test_names_that_a_pane_repeats_are_said_by_nobody() -> None:
    turns = [("Ann Lee", 3, "Where?"), ("Marek Nowak", 9, "On the roof."), ("Ann Lee", 15, "So.")]
    content = "Ann Lee started transcription\n\n" + "".join(
        f"{who}\n{who}\n0 minutes {at} seconds\n0:{at:02d}\n{text}\n\n" for who, at, text in turns
    )
    reading = read(content)
    assert said(reading) == [(who, text) for who, _, text in turns]
    assert [one.start_ms for one in reading.segments] == [3_000, 9_000, 15_000]
