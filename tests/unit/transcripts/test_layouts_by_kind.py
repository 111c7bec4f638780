"""Kinds of labels, heads and times that were once misread without a word, in several layouts each.

What should come out was written down before they were read.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import json

import pytest

from unit.transcripts.reading_support import read, said

Q, A, R = "Where was it?", "At sea. Port: Riga.", "Since when?"


def turns(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


def srt(*said_so: str) -> str:
    return "\n".join(
        f"{at}\n00:00:{at:02},000 --> 00:00:{at:02},900\n{text}\n"
        for at, text in enumerate(said_so, start=1)
    )


@pytest.mark.parametrize("number", ["+46701234567", "+49 170 1234567", "+1 (202) 555‑0123"])
@pytest.mark.parametrize("layout", ["captions", "text", "chat"])
def test_who_dials_in_is_named_by_a_telephone_number(number: str, layout: str) -> None:
    lines = [("Ada", Q), ("Bo", A), (number, "Hello."), ("Ada", R), ("Bo", "May.")]
    rows = [f"{who}: {text}" for who, text in lines]
    content = {
        "captions": srt(*rows),
        "text": "\n".join(rows),
        "chat": "\n".join(f"05.03.24, 14:0{at} - {row}" for at, row in enumerate(rows)),
    }[layout]
    assert turns(content) == lines


@pytest.mark.parametrize("voice", ["Man on radio", "Woman in the crowd", "Voice over loudspeaker"])
def test_voices_of_people_who_are_not_seen(voice: str) -> None:
    lines = [(voice, "All units."), ("Woman", "Do you hear?"), ("Man", A), ("Woman", "Left!")]
    assert turns(srt(*(f"{who}: {text}" for who, text in lines))) == lines


@pytest.mark.parametrize("direction", ["on phone", "quietly", "off-screen", "whispers", "V.O."])
@pytest.mark.parametrize("mark", ["{} ({}): ", "[{}, {}] "])
def test_a_label_that_says_how_somebody_speaks_is_that_speaker(direction: str, mark: str) -> None:
    plain = mark.partition("{}")[0] + "{}" + (": " if mark.endswith(": ") else "] ")
    content = srt(
        plain.format("Ada") + Q, plain.format("Olav") + A, plain.format("Ada") + R,
        mark.format("Olav", direction) + "In May.",
    )  # fmt: skip
    assert turns(content) == [
        ("Ada", Q), ("Olav", A), ("Ada", R), ("Olav", f"({direction}) In May."),
    ]  # fmt: skip


def test_a_label_whose_name_stands_nowhere_alone_and_other_people_stay_as_they_are() -> None:
    names = ["Ada (quietly)", "Bo (guest)", "Bo", "Ada (quietly)"]
    content = "\n".join(f"{name}: {text}" for name, text in zip(names, (Q, A, R, Q), strict=True))
    assert [who for who, _ in turns(content)] == names


@pytest.mark.parametrize("names", [("nell.f", "imre_k#0042"), ("the ferrywoman", "De heer Smit")])
@pytest.mark.parametrize("stamp", ["[05/03/2024 14:0{}] {}", "[00:0{}:00] - {}", "`0:0{}` {}"])
def test_whatever_recurs_alone_behind_all_times_is_who_speaks(
    names: tuple[str, str], stamp: str
) -> None:
    nell, imre = names
    lines = [(nell, Q), (imre, A), (nell, R), (imre, "In May.")]
    content = "\n\n".join(
        f"{stamp.format(at, who)}\n{text}" for at, (who, text) in enumerate(lines, start=1)
    )
    assert turns(content) == lines


def test_lines_behind_times_that_do_not_recur_name_nobody() -> None:
    content = "".join(f"[0:0{at}] well number {at}\nand so it went on\n" for at in range(1, 6))
    assert {one.speaker for one in read(content).segments} == {"Speaker"}


@pytest.mark.parametrize("time", ["Today at 2:02 PM", "Yesterday at 14:02", "Tuesday 2:02 PM"])
def test_days_by_name_behind_the_names_of_a_chat(time: str) -> None:
    content = "\n".join(
        f"{who} — {time}\n{text}" for who, text in [("nell", Q), ("imre", A), ("nell", R)]
    )
    assert turns(content) == [("nell", Q), ("imre", A), ("nell", R)]


def test_participants_who_are_numbers_and_one_who_speaks_once() -> None:
    lines = [("Researcher", Q), ("014", A), ("Researcher", R), ("022", "In May."), ("014", "No.")]
    assert turns("\n".join(f"{who}: {text}" for who, text in lines)) == lines


@pytest.mark.parametrize(
    "title", ["", "HISTORY OF THE HARBOUR\n\n", "Harbour\n\nTape 4, Whitby\n\n"]
)
def test_details_below_a_title_are_nobodys_turn(title: str) -> None:
    content = (
        f"{title}Interviewee: Leonard Fisk\nInterviewer: Joan Abbot\nDate: May 2, 1987\n"
        f"Place: Whitby\n\nJA: {Q}\n\nLF: {A}\n\nJA: {R}\n\nLF: In May.\n"
    )
    assert [who for who, _ in turns(content)] == ["Speaker", "JA", "LF", "JA", "LF"]


@pytest.mark.parametrize(
    "names",
    [
        ("La señora PRESIDENTA", "El señor MINISTRO DE HACIENDA (Soto Ruiz)"),
        ("O Sr. Presidente", "A Sr.ª Ana Gomes (PS)"),
    ],
)
def test_members_of_parliaments_who_are_addressed(names: tuple[str, str]) -> None:
    first, second = names
    lines = [(first, "Se abre la sesión."), (second, "Gracias. Una cosa: no."), (first, "Gracias.")]
    assert turns("\n\n".join(f"{who}: {text}" for who, text in lines)) == lines


@pytest.mark.parametrize("name", ["author", "sender", "user-name", "participant", "speaker"])
def test_names_and_times_of_a_page_that_stand_without_a_blank(name: str) -> None:
    content = "".join(
        f"<div class='p'><span class='{name}'>{who}</span><time>10:0{at}</time><p>{text}</p></div>"
        for at, (who, text) in enumerate([("Ana Ruiz", Q), ("Bo Lind", A), ("Ana Ruiz", R)])
    )
    assert turns(content) == [("Ana Ruiz", Q), ("Bo Lind", A), ("Ana Ruiz", R)]


def test_offsets_from_the_start_come_before_dates() -> None:
    rows = [
        {"from": {"name": who}, "text": text, "startTime": "2024-02-01T10:00:02Z", "timeOffset": at}
        for who, text, at in [("Ada", Q, 2.0), ("Bo", A, 5.0)]
    ]
    assert [one.start_ms for one in read(json.dumps({"messages": rows})).segments] == [2000, 5000]


def test_channels_of_a_recording_are_in_no_doubt() -> None:
    words = [("Where?", 1.0), ("Here.", 2.0)]
    channels = [
        {
            "alternatives": [
                {"words": [{"word": text, "punctuated_word": text, "start": at, "end": at}]}
            ]
        }
        for text, at in words
    ]
    content = {"metadata": {"channels": 2}, "results": {"channels": channels}}
    assert turns(json.dumps(content)) == [("Channel 0", "Where?"), ("Channel 1", "Here.")]


@pytest.mark.parametrize(
    "person",
    [
        {"firstName": "Ana", "lastName": "Ruiz", "email": "a@x.example"},
        {"given_name": "Ana", "family_name": "Ruiz"},
        {"id": 7, "first_name": " Ana", "last_name": "Ruiz "},
    ],
)
def test_given_and_family_names_that_stand_apart(person: dict[str, object]) -> None:
    other = {key: "Bo" if isinstance(value, str) else 8 for key, value in person.items()}
    rows = [
        {"startTime": f"00:00:0{at}.500", "speaker": who, "transcript": text}
        for at, (who, text) in enumerate([(person, Q), (other, A), (person, R)])
    ]
    assert turns(json.dumps({"segments": rows})) == [
        ("Ana Ruiz", Q), ("Bo Bo", A), ("Ana Ruiz", R),
    ]  # fmt: skip


def test_hundredths_of_a_second_as_whisper_counts_them() -> None:
    rows = [
        {"spk": "Ada", "t0": 120, "t1": 340, "txt": Q},
        {"spk": "Bo", "t0": 400, "t1": 800, "txt": A},
    ]
    assert [one.start_ms for one in read(json.dumps({"results": rows})).segments] == [1200, 4000]


@pytest.mark.parametrize("nick", ["<@{}>", "< {}>", "<{}>"])
def test_logs_of_irc_have_times_of_day(nick: str) -> None:
    lines = [("nell", Q), ("imre", A), ("nell", R), ("imre", "ok")]
    content = "--- Log opened Tue Mar 05 14:00:01 2024\n14:01 -!- imre has joined #garden\n"
    content += "".join(
        f"14:0{at} {nick.format(who)} {text}\n" for at, (who, text) in enumerate(lines)
    )
    content += "14:09  * imre nods\n14:10 -!- nell has quit\n"
    reading = read(content)
    assert said(reading) == [*lines[:-1], ("imre", "ok * nods")]
    assert {one.start_ms for one in reading.segments} == {None}
    assert any("time of day" in one or "times of day" in one for one in reading.notices)


@pytest.mark.parametrize("mark", ["**{} said:**", "{} said:", "## {} said:", "**{} wrote:**"])
def test_headings_of_who_said_what_follows(mark: str) -> None:
    lines = [("You", Q), ("ChatGPT", A), ("You", R), ("ChatGPT", "May.")]
    content = "\n\n".join(f"{mark.format(who)}\n{text}" for who, text in lines)
    assert turns(content) == lines


@pytest.mark.parametrize(
    "layout",
    ["{at}s {who}: {text}", "00:00:0{at},{who}: {text}", "**{who}** `[00:00:0{at}]`\n\n{text}\n"],
)
def test_times_in_seconds_before_a_comma_and_as_code(layout: str) -> None:
    lines = [("Ana Ruiz", Q), ("Bo Lind", A), ("Ana Ruiz", R)]
    content = "\n".join(
        layout.format(at=at, who=who, text=text) for at, (who, text) in enumerate(lines, start=2)
    )
    reading = read(content)
    assert (said(reading), reading.report.doubts) == (lines, ())
    assert [one.start_ms for one in reading.segments] == [2000, 3000, 4000]


def test_a_time_of_each_word_is_the_turns_time() -> None:
    rows = [{"who": "Ada", "said": Q, "timestamps": [2.0, 2.2, 2.4]},
            {"who": "Bo", "said": A, "timestamps": [7.0, 7.5, 7.7, 8.1]}]  # fmt: skip
    segments = read(json.dumps({"turns": rows})).segments
    assert [(one.start_ms, one.end_ms) for one in segments] == [(2000, 2400), (7000, 8100)]


def test_events_of_a_chat_are_no_turns_and_are_counted() -> None:
    rows = [
        {"user": f"U0{at % 2}", "text": text, "user_profile": {"real_name": who}}
        for at, (who, text) in enumerate([("Ada", Q), ("Bo", A), ("Ada", R)])
    ]
    event = {"subtype": "channel_join", "user": "U03", "text": "<@U03> has joined the channel"}
    reading = read(json.dumps([*rows, event]))
    assert (said(reading), reading.report.doubts) == ([("Ada", Q), ("Bo", A), ("Ada", R)], ())
    assert "1 line that a tool wrote around the talk was dropped" in reading.notices


@pytest.mark.parametrize("event", ["Bo Lind joined using a link", "Ana mudou para +55 11 91234"])
def test_what_a_chat_says_of_itself_is_nobodys(event: str) -> None:
    lines = [("Ana Ruiz", Q), ("Bo Lind", A), ("Ana Ruiz", R), ("", event), ("Bo Lind", "May.")]
    content = "".join(
        f"05/03/2024 14:0{at} - {who}{': ' if who else ''}{text}\n"
        for at, (who, text) in enumerate(lines)
    )
    assert turns(content) == [(who or "Speaker", text) for who, text in lines]


@pytest.mark.parametrize("number", ["[1:{}] ", "[12:{}] "])
def test_references_to_paragraphs_are_no_part_of_labels(number: str) -> None:
    lines = [("I", Q), ("P", A), ("I", R), ("P", "May.")]
    content = "".join(f"{number.format(at)}{who}: {text}\n" for at, (who, text) in enumerate(lines))
    assert turns(content) == lines


def test_committees_number_what_they_ask() -> None:
    lines = [("Chair", Q), ("Bo Lind", A), ("Dame Ana Ruiz", R), ("Bo Lind", "May.")]
    content = "".join(
        f"{f'Q{at} ' if at % 2 else ''}{who}: {text}\n" for at, (who, text) in enumerate(lines, 101)
    )
    assert turns(content) == lines


@pytest.mark.parametrize("dash", ["— ", "—", "--", "-- "])
def test_names_in_capitals_before_a_dash_in_captions(dash: str) -> None:
    lines = [("ADA", Q), ("BO", A), ("ADA", R), ("BO", "In May.")]
    assert turns(srt(*(f"{who}{dash}{text}" for who, text in lines))) == lines


def test_seconds_from_the_start_come_before_other_times() -> None:
    rows = [
        {"role": who, "message": text, "time": 1709647320000 + at, "secondsFromStart": at}
        for who, text, at in [("bot", Q, 2.5), ("user", A, 5.25)]
    ]
    segments = read(json.dumps({"messages": rows})).segments
    assert [one.start_ms for one in segments] == [2500, 5250]


# Doubts over the finished reading


def doubts(rows: list[tuple[str, str]]) -> str:
    listed = [{"speaker": who, "text": text} for who, text in rows]
    return "; ".join(read(json.dumps(listed)).report.doubts)


@pytest.mark.parametrize(
    "label", ["Radio voice", "+4670123", "Zoom Room 4", "Ana's iPad", "Ведущий"]
)
def test_words_of_nobody_that_begin_with_a_label_are_in_doubt(label: str) -> None:
    named = [("Ada", Q), ("Bo", A)] * 3
    assert f"“{label}” stands before a colon" in doubts([*named, ("", f"{label}: all units.")])
    for said_so in ("Note: all units.", "It is 10:30 now.", "all units"):
        assert doubts([*named, ("", said_so)]) == ""


def test_numbers_that_hang_on_all_names_are_in_doubt() -> None:
    assert "numbers stand behind all names" in doubts([("Ana Ruiz10", Q), ("Bo Lind10", A)])
    assert doubts([("Speaker 10", Q), ("P2", A)]) == ""


@pytest.mark.parametrize("number", ["{}s", "00:0{}", "#{}", "0{}.5 -"])
def test_different_numbers_before_the_same_name_are_in_doubt(number: str) -> None:
    rows = [(f"{number.format(at)} {'Ada' if at % 2 else 'Bo'} Lind", Q) for at in range(1, 5)]
    assert "before “Ada Lind” and other names" in doubts(rows)
    assert doubts([("1 Ada", Q), ("2 Bo", A), ("1 Ada", R)]) == ""


@pytest.mark.parametrize("mark", ["{}¦ {}", "{}⁂ {}", "{}· {}"])
def test_a_few_words_that_begin_all_cues_are_in_doubt(mark: str) -> None:
    lines = [("Ada", Q), ("Bo", A), ("Ada", R), ("Bo", "May."), ("Bo", "Or June.")]
    reading = read(srt(*(mark.format(who, text) for who, text in lines)))
    assert {one.speaker for one in reading.segments} == {"Speaker"}
    assert "begin nearly all cues" in "; ".join(reading.report.doubts)
    plain = read(srt("Well, no.", "Yes, it was.", "Well, maybe.", "Not at all.", "I do not know."))
    assert plain.report.doubts == ()


@pytest.mark.parametrize("label", ["system", "tool"])
def test_instructions_to_a_model_are_no_speaker(label: str) -> None:
    assert f"“{label}” was read as a speaker" in doubts([(label, Q), ("user", A), (label, R)])


@pytest.mark.parametrize("time", ["Mar 05, 2024 2:02pm", "2024-03-05 14:02", "2:02 PM"])
def test_times_of_day_at_the_ends_of_turns_are_in_doubt(time: str) -> None:
    rows = [("Ada" if at % 2 else "Bo", f"{Q} {time}") for at in range(4)]
    assert "a time stands in what was said" in doubts(rows)
    assert doubts([*rows[:1], *[("Ada", Q), ("Bo", A)] * 2]) == ""


def test_details_that_were_read_as_a_turn_are_in_doubt() -> None:
    rows = [("Ada", "Date: May 2 Place: Whitby"), ("Bo", A), ("Ada", R)]
    assert "list of details" in doubts(rows)
    assert doubts([("Ada", "The date: May 2."), ("Bo", A), ("Ada", R)]) == ""


@pytest.mark.parametrize(("step", "doubted"), [(1, True), (60, False)])
def test_more_words_than_fit_between_the_times_are_in_doubt(step: int, doubted: bool) -> None:  # noqa: FBT001
    rows = [
        {"speaker": "Ada" if at % 2 else "Bo", "text": "and so on " * 8, "start": float(at * step)}
        for at in range(6)
    ]
    found = "; ".join(read(json.dumps(rows)).report.doubts)
    assert ("words stand within" in found) is doubted


@pytest.mark.parametrize(
    ("starts", "doubted"), [((1, 90, 5, 80, 9, 70), True), ((1, 5, 9, 8, 12, 14), False)]
)
def test_times_that_go_back_again_and_again_are_in_doubt(
    starts: tuple[int, ...],
    doubted: bool,  # noqa: FBT001
) -> None:
    rows = [
        {"speaker": "Ada" if at % 2 else "Bo", "text": Q, "start": float(start)}
        for at, start in enumerate(starts)
    ]
    assert ("go back" in "; ".join(read(json.dumps(rows)).report.doubts)) is doubted


def test_speakers_that_cannot_be_read_are_in_doubt() -> None:
    rows = [
        {"speaker": {"one": "x", "two": "y"}, "text": text, "start": at}
        for at, text in enumerate([Q, A, R])
    ]
    assert "'speaker' could not be read" in "; ".join(read(json.dumps(rows)).report.doubts)
