"""Kinds of layout that public repositories hold, with words of our own.

Each stood in files that other people had exported, typed or made by a program; a reader that was
tried on invented files alone had missed them.
"""

from __future__ import annotations

import json

import pytest

from transcripts.errors import UnknownFormatError
from unit.transcripts.reading_support import read, said


def cues(*lines: tuple[str, str]) -> str:
    blocks = [
        f"{number}\n00:{number:02}:05.000 --> 00:{number:02}:09.000\n"
        + (f"{who}: {text}" if who else text)
        for number, (who, text) in enumerate(lines, start=1)
    ]
    return "WEBVTT\n\n" + "\n\n".join(blocks) + "\n"


MEETING = [
    ("Bee World", "hi, can you hear me?"),
    ("Ilse K", "Yes, all good."),
    ("Tom", "Who brings the smoker?"),
    ("Ilse K", "I do."),
    ("priya raman", "and I bring honey"),
    ("Tom", "Then we are set."),
]


def test_whoever_is_named_once_where_every_cue_names_somebody_is_named() -> None:
    reading = read(cues(*MEETING))
    assert said(reading) == MEETING
    assert not reading.report.doubts


def test_a_cue_that_names_nobody_among_a_few_named_ones_vouches_for_nothing() -> None:
    few = [("", "hello there"), *MEETING[2:4], ("", "nobody knows: maybe"), ("", "well then")]
    speakers = {who for who, _ in said(read(cues(*few)))}
    assert "nobody knows" not in speakers


def test_a_meetings_title_in_a_cue_is_no_speaker_without_a_doubt() -> None:
    reading = read(cues(*MEETING, ("Meeting title", "Bees in spring"), ("Hosted by", "Ilse Kern")))
    assert any("Meeting title" in one for one in reading.report.doubts)


def test_words_with_which_sentences_begin_are_no_names_in_long_captions() -> None:
    begins = ["And", "So", "But", "I", "We", "And", "So", "But", "I", "We", "It", "It"] * 3
    reading = read(cues(*[("", f"{word} went on with the bees") for word in begins]))
    assert not reading.report.doubts
    named = read(cues(*[("", f"{who} Keeps the bees") for who in ["Ilse", "Tomasz"] * 9]))
    assert any("begin nearly all cues" in one for one in named.report.doubts)


# JSON


def test_sentences_of_which_some_begin_with_a_blank_are_not_joined_as_tokens() -> None:
    turns = [
        {"start": 1.0, "end": 2.0, "speaker": "S1", "text": " Hello, all."},
        {"start": 2.0, "end": 3.0, "speaker": "S1", "text": "Welcome to the hive."},
        {"start": 3.0, "end": 4.0, "speaker": "S1", "text": " It is May."},
        {"start": 5.0, "end": 6.0, "speaker": "S2", "text": "Thank you so much."},
    ]
    assert said(read(json.dumps(turns))) == [
        ("S1", "Hello, all. Welcome to the hive. It is May."),
        ("S2", "Thank you so much."),
    ]


def test_turns_of_blocks_of_text_are_those_of_the_person_they_stand_under() -> None:
    def turn(name: str, start: float, *texts: str) -> dict[str, object]:
        blocks = [
            {"text": text, "start": start + at, "stop": start + at + 0.9}
            for at, text in enumerate(texts)
        ]
        person = {"name": name, "last_name": name[-4:], "roles": [{"role_title": "Judge"}]}
        return {
            "start": start,
            "stop": start + len(texts),
            "speaker": person,
            "text_blocks": blocks,
        }

    turns = [
        turn("Ilse Kern", 0.0, "Number four.", "Go on."),
        turn("Tom Ray", 2.0, "May it please."),
    ]
    document = {"title": "Argument", "transcript": {"sections": [{"start": 0, "turns": turns}]}}
    reading = read(json.dumps(document))
    assert said(reading) == [("Ilse Kern", "Number four. Go on."), ("Tom Ray", "May it please.")]
    assert [one.start_ms for one in reading.segments] == [0, 2_000]


def test_lines_of_words_within_paragraphs_of_a_turn_are_read() -> None:
    def words(*said: str) -> list[dict[str, object]]:
        return [
            {"id": at, "text": one, "startTime": at, "endTime": at + 0.5}
            for at, one in enumerate(said)
        ]

    turns = [
        {"id": 0, "speaker": "Ilse", "paragraph": [{"line": words("Who", "keeps", "bees?")}]},
        {"id": 1, "speaker": "Tom", "paragraph": [{"line": words("I", "do.")}]},
    ]
    assert said(read(json.dumps(turns))) == [("Ilse", "Who keeps bees?"), ("Tom", "I do.")]


def test_words_are_read_with_their_punctuation_where_a_tool_has_both() -> None:
    words = [
        {"start": 0.0, "end": 0.4, "text": "bees", "punct": "Bees"},
        {"start": 0.4, "end": 0.8, "text": "sting", "punct": "sting."},
        {"start": 0.9, "end": 1.2, "text": "bees", "punct": "Bees"},
    ]
    reading = read(json.dumps({"retval": {"words": words}}))
    assert said(reading) == [("Speaker", "Bees sting. Bees")]
    assert not reading.report.doubts


def test_speakers_who_stand_in_paragraphs_of_a_part_or_in_its_data_speak() -> None:
    def part(at: float, who: str, *said: str) -> dict[str, object]:
        words = [
            {"id": one, "start": at + one, "end": at + one + 0.5, "text": text}
            for one, text in enumerate(said)
        ]
        span = {"id": 0, "start": at, "end": at + len(said), "speaker": who}
        return {"words": words, "paragraphs": [span]}

    parts = [
        part(0.0, "Ilse", "Who", "asks?"),
        part(2.0, "Tom", "I", "do."),
        part(4.0, "Ilse", "Ah."),
    ]
    expected = [("Ilse", "Who asks?"), ("Tom", "I do."), ("Ilse", "Ah.")]
    assert said(read(json.dumps(parts))) == expected
    draft = [
        {"text": text, "type": "paragraph", "data": {"speaker": who, "start": at, "words": []}}
        for at, (who, text) in enumerate(expected)
    ]
    assert said(read(json.dumps(draft))) == expected
    many = [part(2.0 * at, who, text) for at, (who, text) in enumerate(expected * 12)]
    assert said(read(json.dumps(many)))[1] == ("Tom", "I do.")


def test_a_segmentation_with_durations_tells_who_says_which_words() -> None:
    words = [
        {"start": at + 0.2, "end": at + 0.8, "punct": text}
        for at, text in enumerate(["Who", "asks?", "I", "do."])
    ]
    segments = [
        {"@type": "Segment", "start": 0, "duration": 2.0, "speaker": {"@id": "S0", "gender": "F"}},
        {
            "@type": "Segment",
            "start": 2.0,
            "duration": 2.0,
            "speaker": {"@id": "S1", "gender": "F"},
        },
    ]
    document = {"retval": {"words": words, "segmentation": {"segments": segments}}}
    assert said(read(json.dumps(document))) == [("S0", "Who asks?"), ("S1", "I do.")]


def test_speakers_that_were_not_read_are_told() -> None:
    turns = [{"start": 1.0, "text": "Who asks?"}, {"start": 2.0, "text": "I do."}]
    others = {"first": {"speaker": "Ilse"}, "second": {"speaker": "Tom"}}
    reading = read(json.dumps({"turns": turns, "meta": others}))
    assert any("were not read" in one for one in reading.report.doubts)


def test_words_in_seconds_beside_a_status_are_no_assemblyai() -> None:
    words = [
        {
            "case": "success",
            "word": text,
            "alignedWord": text.lower(),
            "start": 70.5 + at,
            "end": 71.2 + at,
        }
        for at, text in enumerate(["Bees", "sting", "in", "May"])
    ]
    reading = read(json.dumps({"status": "OK", "transcript": "Bees sting in May", "words": words}))
    assert (reading.segments[0].start_ms, reading.segments[0].text) == (70_500, "Bees sting in May")
    assert not reading.report.doubts
    utterances = [
        {"speaker": who, "text": text, "start_ms": at * 1_280, "end_ms": at * 1_280 + 900}
        for at, (who, text) in enumerate([("A", "Who asks?"), ("B", "I do."), ("A", "Ah.")])
    ]
    other = read(json.dumps({"status": "completed", "utterances": utterances}))
    assert [one.start_ms for one in other.segments] == [0, 1_280, 2_560]


# Times


def test_times_of_days_and_lists_of_chapters_are_in_doubt() -> None:
    rows = "Timestamp,Text,speaker\n0:08,Hi all.,Ilse\n0:16,Hello.,Tom\n37:29:00,Well.,Ilse\n"
    assert any("reach 37 hours" in one for one in read(rows).report.doubts)
    chapters = "".join(
        f"* **[{5 * at:02}:14](#t={5 * at})** About {what}\n"
        for at, what in enumerate(["bees", "hens", "goats", "sheep", "honey"])
    )
    assert any("list of chapters" in one for one in read(chapters).report.doubts)


def test_ticks_of_any_length_are_times() -> None:
    ttml = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" '
        'ttp:tickRate="10000000"><body><div><p begin="1374000000t" end="1404000000t">Bees.</p>'
        '<p begin="37405000000t" end="37425000000t">Honey.</p></div></body></tt>'
    )
    (one,) = read(ttml).segments
    assert (one.start_ms, one.end_ms) == (137_400, 3_742_500)


def test_no_time_is_invented_where_none_can_be_read() -> None:
    ttml = (
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="soon" end="later">Bees.</p>'
        '<p begin="then" end="whenever">Honey.</p></div></body></tt>'
    )
    messages = [
        {"text": f"We keep {what}.", "start_timestamp": f"2025-05-0{day}T09:00:00Z"}
        for day, what in enumerate(["bees", "hens", "goats"], start=1)
    ]
    for content in (ttml, json.dumps(messages)):
        assert all(one.start_ms is None for one in read(content).segments)


# Tables


def test_a_table_has_times_now_and_then_parts_and_characters_of_html() -> None:
    rows = [
        "timestamp,speaker,words,tags",
        "[0:00],IK,Who keeps&#8212;who has the bees?,",
        ',TR,"I do, &amp; gladly.",bees',
        ",IK,Since when?,",
        "[00:01:09],TR,Since May.,",
        ",IK,Good.,",
        ",TR,Yes.,",
    ]
    reading = read("\n".join(rows))
    assert said(reading)[:2] == [("IK", "Who keeps—who has the bees?"), ("TR", "I do, & gladly.")]
    assert not reading.report.doubts


def test_durations_of_pandas_are_times_and_rows_of_nothing_but_a_part_are_dropped() -> None:
    rows = [
        "\tTimestamp\tSpeaker\tTranscript",
        "0\t0 days 01:00:00\tNew Film\tNew Film",
        "1\t0 days 01:00:00\t\tI kept bees in Malta.",
        "2\t0 days 01:00:25\tInterviewer\tWhy there?",
        "3\t0 days 01:00:31\tInterviewee\tIt is warm.",
        "4\t0 days 01:01:00\tInterviewer\tAnd then?",
        "5\t0 days 01:01:04\tInterviewee\tI left.",
    ]
    reading = read("\n".join(rows))
    assert "New Film" not in {one.speaker for one in reading.segments}
    assert reading.segments[0].speaker == "Speaker"
    assert [one.start_ms for one in reading.segments[:2]] == [3_600_000, 3_625_000]
    assert any("headings of parts" in one or "heading of a part" in one for one in reading.notices)


# Text


def test_headings_of_parts_between_turns_are_dropped_and_told() -> None:
    text = (
        "# Bees\n\nIlse: Who keeps the bees?\n\nTom: I do, and no gloves.\n\n## Smoke\n\n"
        "Ilse: Do they sting?\n\nTom: Every day.\n\n## Swarms: a history\n\nIn May they go.\n\n"
        "Ilse: How far?\n"
    )
    reading = read(text)
    assert said(reading)[1:] == [
        ("Ilse", "Who keeps the bees?"),
        ("Tom", "I do, and no gloves."),
        ("Ilse", "Do they sting?"),
        ("Tom", "Every day. In May they go."),
        ("Ilse", "How far?"),
    ]
    assert any(
        "2 headings of parts of the talk were dropped: lines 7, 13" in one
        for one in reading.notices
    )
    assert not reading.report.doubts


def test_names_in_headings_are_speakers_still() -> None:
    text = "".join(
        f"## {who}\n\n{what}\n\n"
        for who, what in [("Ilse", "Who asks?"), ("Tom", "I do."), ("Ilse", "Why?"), ("Tom", "So.")]
    )
    assert [who for who, _ in said(read(text))] == ["Ilse", "Tom", "Ilse", "Tom"]


def test_a_list_of_who_attended_below_a_heading_at_the_end_is_nobodys_speech() -> None:
    text = (
        "**Ilse** (2:50) - Hi all.\n\n**Tom** (3:05) - Hello.\n\n**Ilse** (3:10) - We begin.\n\n"
        "**Tom** (3:40) - Bye.\n\n## Attendees\n\n* Ilse Kern\n* Tom Ray\n* Priya Raman\n"
    )
    reading = read(text)
    assert said(reading) == [
        ("Ilse", "Hi all."), ("Tom", "Hello."), ("Ilse", "We begin."), ("Tom", "Bye."),
    ]  # fmt: skip
    assert [one.start_ms for one in reading.segments] == [170_000, 185_000, 190_000, 220_000]
    assert not reading.report.doubts


@pytest.mark.parametrize("picture", ["user avatar", None], ids=["one text", "initials"])
def test_what_a_player_writes_in_place_of_pictures_is_no_speech(picture: str | None) -> None:
    talk = [
        ("Ilse Kern", "00:00:01", "Who keeps\nthe bees?"), ("Tom Ray", "00:00:14", "I do."),
        ("Ilse Kern", "00:00:20", "Do they sting?"), ("Tom Ray", "00:01:02", "Every day."),
        ("Ilse Kern", "00:01:09", "Oh dear."),
    ]  # fmt: skip
    text = "\n".join(
        f"{picture or ''.join(word[0] for word in who.split())}\n{who}\n{time}\n{what}"
        for who, time, what in talk
    )
    reading = read(text)
    assert said(reading) == [(who, what.replace("\n", " ")) for who, _, what in talk]
    assert any("a tool wrote around the talk" in one for one in reading.notices)


def test_whoever_recurs_where_every_line_begins_with_a_name_is_named_by_any_words() -> None:
    talk = [
        ("Product Owner", "We need a hive."), ("Stakeholder", "Yes, and soon."),
        ("Developer", "How big?"), ("Stakeholder", "Two frames."), ("Developer", "Good."),
        ("Product Owner", "Then we are done."),
    ]  # fmt: skip
    reading = read("\n".join(f"{who}: {what}" for who, what in talk))
    assert said(reading) == talk
    assert not reading.report.doubts


def test_a_word_that_begins_a_line_once_where_names_begin_all_others_is_in_doubt() -> None:
    text = (
        'AI: You wake up beside a hive.\nInnkeeper: "You are awake at last!"\n'
        'Player: I look around.\nAI: Bees fly past.\nGareth: "They are mine."\n'
        'Player: I nod.\nAI: He smiles.\nGareth: "Sit down."\nPlayer: I sit.\n'
    )
    reading = read(text)
    names = {one.speaker for one in reading.segments}
    assert "Innkeeper" in names or any("Innkeeper" in one for one in reading.report.doubts)


def test_fields_of_a_form_of_which_one_is_a_role_are_no_talk_without_a_doubt() -> None:
    text = (
        "Hives of 2025\n\nClient: Ilse and Tom Kern\nEIN: 34-567 (Kern Bees)\n\n"
        "Honey (Ilse): 285\nHoney (Tom): 142\n\nCombined AGI: 427 net\nAPN Number: 07-14\n"
    )
    try:
        doubts = read(text).report.doubts
    except UnknownFormatError:
        return
    assert doubts


def test_the_head_of_another_transcript_within_a_file_is_in_doubt() -> None:
    talk = "Ilse: Who has bees?\n\nTom: I do.\n\nIlse: How many?\n\nTom: Two.\n\n"
    text = f"{talk}**Transcript 2: Bees in Winter**\n\n**Participants:**\n\n- Ilse\n\n{talk}"
    assert any("another talk" in one for one in read(text).report.doubts)


def test_words_of_a_page_alone_on_lines_above_timed_speech_are_in_doubt() -> None:
    page = (
        "<!DOCTYPE html><html><body><h1>Bee Episode</h1><p>Copy</p><p>Whole transcript here</p>"
        "<p>Copy</p><p>Find in it</p>"
        + "".join(
            f"<p><time>00:0{at}:00</time> we went on with bees, number {at}</p>" for at in range(9)
        )
        + "</body></html>"
    )
    reading = read(page)
    assert "Copy" not in {one.speaker for one in reading.segments} or reading.report.doubts


def test_headings_between_times_of_nobody_are_in_doubt() -> None:
    text = "Ilse and Tom talk about bees.\n\n### Show Notes\n\n" + "".join(
        f"* **[0{at}:0{at}](#t={at})** All about {what}.\n"
        for at, what in enumerate(["bees", "hens", "goats", "sheep", "geese"])
    )
    assert any("heading" in one for one in read(text).report.doubts)


def test_a_lecture_with_long_pauses_is_no_list_of_chapters() -> None:
    text = "".join(
        f"[00:{5 * at:02}:00] Now we look at {what}. They are kept in a shed by the road. Look.\n"
        for at, what in enumerate(["bees", "hens", "goats", "sheep", "geese", "ducks"])
    )
    assert not read(text).report.doubts


def test_tiers_of_annotations_that_belong_to_nobody_are_in_doubt() -> None:
    def tier(name: str, *texts: str) -> str:
        events = "".join(
            f'<event start="T{at}" end="T{at + 1}">{text}</event>' for at, text in enumerate(texts)
        )
        return f'<tier id="{name}" category="{name}" type="t">{events}</tier>'

    points = "".join(f'<tli id="T{at}" time="{at}"/>' for at in range(4))
    exb = (
        "<basic-transcription><head><speakertable></speakertable></head><basic-body>"
        f"<common-timeline>{points}</common-timeline>"
        f"{tier('tok', 'Bees', 'sting', 'us')}{tier('POS', 'NN', 'VB', 'PR')}"
        "</basic-body></basic-transcription>"
    )
    assert any("belong to no speaker" in one for one in read(exb).report.doubts)


def test_fields_above_a_talk_with_times_of_day_are_no_turns() -> None:
    text = (
        "Meeting Title: Bees in Spring\nDate: 4 May 2025\nParticipants: Ilse Kern, Tom Ray\n\n"
        "[09:00 AM] Ilse Kern: Good morning.\n[09:02 AM] Tom Ray: Hello.\n"
        "[09:03 AM] Ilse Kern: Who has bees?\n[09:05 AM] Tom Ray: I do.\n"
    )
    reading = read(text)
    assert [who for who, _ in said(reading)] == ["Speaker", *["Ilse Kern", "Tom Ray"] * 2]
    assert not reading.report.doubts


def test_headings_of_a_questionnaire_are_no_speakers_without_a_doubt() -> None:
    text = "".join(
        f"{head}\n\n" + "".join(f"How do you like {what}?\n\n" for what in "abcd")
        for head in ("Bees & Wax (Summer)", "Hens & Eggs (Winter)")
    )
    try:
        doubts = read(text).report.doubts
    except UnknownFormatError:
        return
    assert doubts


def test_members_of_a_council_with_their_titles_are_named() -> None:
    talk = [
        ("Madam Speaker", "Mr. Mayor?"), ("Mayor Bowman", "I move it."), ("Madam Speaker", "Next."),
        ("Councillor Rose", "I second."), ("Madam Speaker", "All?"), ("Mayor Bowman", "Yes."),
    ]  # fmt: skip
    text = "".join(f"{who}: {what}\n\n" for who, what in talk)
    assert said(read(text)) == talk


def test_a_contraction_before_a_colon_is_no_label_of_which_to_doubt() -> None:
    lines = [("Ilse", "I'm: I mean, who asks?"), ("Tom", "I'm: well."), ("Ilse", "I'm: here.")] * 2
    reading = read("".join(f"{who}: {what}\n\n" for who, what in lines))
    assert not reading.report.doubts


def test_ids_of_teams_are_ids_where_names_should_be() -> None:
    ids = [
        f"{one * 8}-d6de-4cad-9c2a-9b587e97837f@72f988bf-86f1-41af-91ab-2d7cd011db47"
        for one in "ab"
    ]
    vtt = "WEBVTT\n\n" + "\n\n".join(
        f"00:00:0{at}.000 --> 00:00:0{at + 1}.000\n<v {ids[at % 2]}>Well, {at} bees.</v>"
        for at in range(6)
    )
    assert any("is an id" in one for one in read(vtt).report.doubts)


def test_fields_above_a_talk_are_no_turns() -> None:
    focus = (
        "Date: 4 May 2025\nVenue: Online\nModerator: Wei\nParticipants:\nIlse (keeps bees)\n"
        "Tom (retired)\n\nIlse: I keep two hives.\n\nTom: I kept one.\n\nIlse: Why no more?\n\n"
        "Tom: They left me.\n"
    )
    assert [who for who, _ in said(read(focus))] == ["Speaker", "Ilse", "Tom", "Ilse", "Tom"]
    call = (
        "Reunión sobre colmenas\nCliente: Ilse Kern (dirección) y Tom Ray, Apicultores Unidos del "
        "Norte\nConsultor: equipo\nFecha: primera reunión\n\n[00:00:08] Consultor: Contadnos.\n\n"
        "[00:00:20] Ilse: Tenemos colmenas.\n\n[00:00:52] Consultor: ¿Cuántas?\n\n"
        "[00:01:00] Tom: Dos.\n"
    )
    reading = read(call)
    assert [who for who, _ in said(reading)] == ["Speaker", "Consultor", "Ilse", "Consultor", "Tom"]
    agenda = (
        "Agenda: <https://example.org/bees/12>\n\nSpeaker 0: We begin.\n\nSpeaker 1: Please.\n\n"
        "Speaker 0: Who has bees?\n\nSpeaker 1: I do.\n"
    )
    assert "Agenda" not in {who for who, _ in said(read(agenda))}


def test_questions_with_numbers_and_answers_without_take_turns() -> None:
    text = "Bee Interview\n\n" + "\n\n".join(
        f"Question {number}: What about {what}?\n\nAnswer: I like {what} well."
        for number, what in enumerate(["honey", "wax", "smoke"], start=1)
    )
    assert [who for who, _ in said(read(text))][1:] == ["Question", "Answer"] * 3


def test_one_who_is_named_once_above_questions_does_not_ask_them() -> None:
    text = "Interviewee: My neighbour\n" + "\n".join(
        f"{number}. What do you do with {what}?\nI keep {what} in the shed, mostly."
        for number, what in enumerate(["honey", "wax", "smoke", "hives"], start=1)
    )
    assert any("is named, once" in one for one in read(text).report.doubts)


def test_headings_below_another_and_with_a_colon_are_in_doubt() -> None:
    talk = [
        f"Ilse: I keep {what} at home.\n\nTom: I never did keep {what}.\n\n"
        for what in ("bees", "hens", "goats")
    ]
    text = (
        talk[0]
        + "·Hens Explored\nWork in coops:\n"
        + talk[1]
        + "·Goats\nWork in sheds:\n"
        + talk[2]
    )
    assert any("may be headings" in one for one in read(text).report.doubts)


def test_a_table_of_turns_between_tables_about_the_call_is_read_for_itself() -> None:
    around = "Job Name\tbees.wav\nDuration\t3m 2.89s\n\nSpeaker\tSentiment\nAgent\t2.4\n\n"
    talk = [
        ("0:00:00.4", "Agent", "Thank you for calling the bee line, how can I help?"),
        ("0:00:06.31", "Customer", "My bees have left me, all of them, in May."),
        ("0:00:07.94", "Agent", "Oh dear, where did they go, do you know?"),
        ("0:01:02.5", "Customer", "To the church, I think."),
    ]
    table = "Start\tDur.\tSpeaker\t\tTranscription\n" + "".join(
        f"{start}\t5.0s\t{who}\t\t{what}\n" for start, who, what in talk
    )
    reading = read(around + table + "\nConfidence\tCount\n98%\t400\n")
    assert said(reading) == [(who, what) for _, who, what in talk]
    assert [one.start_ms for one in reading.segments] == [400, 6_310, 7_940, 62_500]
    assert any("a tool wrote around the talk" in one for one in reading.notices)
    document = read("The call about the bees\n\n" + around + table)
    assert said(document) == said(reading)
    assert any("lines of a summary or list" in one for one in document.notices)


def test_pages_counted_before_a_name_are_no_speech() -> None:
    text = "".join(
        f"{who}: I said so on\n{day} at noon.\nPage {page} of 4 © 2025 Bee Press, Inc.\n\n"
        for page, (who, day) in enumerate(
            [("ILSE", "Monday"), ("TOM", "Tuesday"), ("ILSE", "Friday"), ("TOM", "Sunday")], start=1
        )
    )
    assert [text for _, text in said(read(text))] == [
        f"I said so on {day} at noon." for day in ("Monday", "Tuesday", "Friday", "Sunday")
    ]


def test_lists_of_links_above_a_talk_name_nobody_who_speaks() -> None:
    text = (
        "Ilse talks to Tom.\n\n- Ilse Kern: [Site](https://a.example/x) | [Blog](https://b.example)\n"
        "- Tom Ray: [Site](https://c.example/y)\n- [The hive](https://d.example) [06:25]\n\n"
        "**Ilse Kern:** Who keeps the bees?\n\n**Tom Ray:** I do.\n\n**Ilse Kern:** Good.\n"
    )
    reading = read(text)
    assert said(reading)[1:] == [
        ("Ilse Kern", "Who keeps the bees?"), ("Tom Ray", "I do."), ("Ilse Kern", "Good."),
    ]  # fmt: skip
    assert any("lines 3, 4, 5" in one for one in reading.notices)


# Pages


def test_authors_of_bubbles_on_a_page_are_who_speaks() -> None:
    talk = [
        ("Mr. Kern", "It is noon."),
        ("Ms. Ray", "Yes."),
        ("Mr. Kern", "Any bees?"),
        ("Ms. Ray", "Two."),
    ]
    page = "<!DOCTYPE html><html><head><title>Hearing</title></head><body>" + "".join(
        f"<bubble class='x'>\n <author>\n  {who}\n </author>\n <p>{what}</p>\n</bubble>"
        for who, what in talk
    )
    assert said(read(page + "</body></html>")) == talk


def test_seconds_beside_turns_of_a_page_are_their_times_and_tasks_no_speech() -> None:
    talk = [
        ("Ilse Kern", "Who keeps bees?", 0.0),
        ("Tom Ray", "I do.", 4.5),
        ("Ilse Kern", "Good.", 9.3),
    ]
    page = "<html><body><div class='transcript-container'>" + "".join(
        f"<div class='item' data-start='{start}'><span class='speaker-name'>{who}</span>"
        f"<span class='text'>{what}</span></div>"
        for who, what, start in talk
    )
    page += (
        "</div><div class='action-items'><ul><li><b>Tom Ray:</b> Buy gloves</li></ul></div>"
        "</body></html>"
    )
    reading = read(page)
    assert said(reading) == [(who, what) for who, what, _ in talk]
    assert [one.start_ms for one in reading.segments] == [0, 4_500, 9_300]
    assert any("summary or list" in one for one in reading.notices)
