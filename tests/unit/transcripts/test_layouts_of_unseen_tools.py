"""Layouts of tools and institutions that nobody listed, by what makes each of them a kind.

Made up as the tools write them; what should come out was written down before they were read.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable

import docx
import pytest

from transcripts.errors import UnknownFormatError
from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

ASKED, ANSWERED, AGAIN = "Where do you keep them?", "On the roof.", "Really?"


def turns(content: str) -> list[tuple[str, str, int | None]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return [(one.speaker, one.text, one.start_ms) for one in reading.segments]


def talk(first: str, second: str, *starts: int | None) -> list[tuple[str, str, int | None]]:
    starts = starts or (None, None, None)
    return list(zip((first, second, first), (ASKED, ANSWERED, AGAIN), starts, strict=True))


# Captions


@pytest.mark.parametrize(
    "name",
    ["Speaker: {}", "speaker {}", "Voice = {}", "{}", 'Speaker: "{}"'],
)
def test_comments_of_webvtt_name_who_speaks_until_the_next_one(name: str) -> None:
    cues = [("Ann Lee", ASKED), ("Marek Nowak", ANSWERED), ("Ann Lee", AGAIN)]
    blocks = [
        f"NOTE {name.format(who)}\n\n00:0{at}.000 --> 00:0{at}.900\n{text}"
        for at, (who, text) in enumerate(cues, start=1)
    ]
    assert turns("WEBVTT\n\n" + "\n\n".join(blocks)) == talk(
        "Ann Lee", "Marek Nowak", 1_000, 2_000, 3_000
    )


def test_other_comments_of_webvtt_name_nobody() -> None:
    content = (
        "WEBVTT\n\nNOTE Confidence: 0.9\n\n00:01.000 --> 00:02.000\nAnn: Hi.\n\n"
        "NOTE Created by Otter\n\n00:03.000 --> 00:04.000\nBo: Hello.\n"
    )
    assert said(read(content)) == [("Ann", "Hi."), ("Bo", "Hello.")]


def test_objects_of_json_within_cues_hold_speaker_and_words() -> None:
    cue = {"startDateTime": "2023-02-14T10:58:57Z", "spokenLanguage": "en-us"}
    payloads = [
        json.dumps(cue | {"speakerName": who, "spokenText": text})
        for who, text in [("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)]
    ]
    cues = [f"00:0{at}.000 --> 00:0{at}.900\n{one}\n" for at, one in enumerate(payloads, start=1)]
    assert turns("WEBVTT\n\n" + "\n".join(cues)) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_spans_of_ttml_name_agents() -> None:
    content = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata">'
        '<head><ttm:agent xml:id="a"><ttm:name>Ann</ttm:name></ttm:agent>'
        '<ttm:agent xml:id="b"><ttm:name>Marek</ttm:name></ttm:agent></head><body><div>'
        f'<p begin="1s" end="2s"><span ttm:agent="a">{ASKED}</span></p>'
        f'<p begin="2s" end="3s"><span ttm:agent="b">{ANSWERED}</span></p>'
        f'<p begin="3s" end="4s" ttm:agent="a">{AGAIN}</p></div></body></tt>'
    )
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


# Tables


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("#,Start,End,Who,What was said", "{n},0:00:0{n},0:00:0{m},{who},{text}"),
        ("Timecode In,Timecode Out,Speaker Name,Transcript", "0:00:0{n},0:00:0{m},{who},{text}"),
        ("start,end,speaker,text", "{n}000,{m}000,{who},{text}"),
        ("Ligne;Début;Qui;Propos", "{n};0:0{n};{who};{text}"),
        ("Time,Text,Person speaking", "0:0{n},{text},{who}"),
    ],
)
def test_tables_whose_columns_have_other_names(head: str, row: str) -> None:
    rows = [
        row.format(n=at, m=at + 1, who=who, text=text)
        for at, (who, text) in enumerate(
            [("Ann Lee", ASKED), ("Marek Nowak", ANSWERED), ("Ann Lee", AGAIN)], start=1
        )
    ]
    assert turns("\n".join([head, *rows])) == talk("Ann Lee", "Marek Nowak", 1_000, 2_000, 3_000)


def test_whole_numbers_that_grow_by_thousands_are_milliseconds() -> None:
    assert turns("start\tend\ttext\n1000\t3000\tHow?\n3500\t5000\tSo.\n") == [
        ("Speaker", "How? So.", 1_000)
    ]


def test_voices_by_number_in_a_table_are_labelled_as_those_in_json() -> None:
    rows = f'1,2,"0",{ASKED}\n2,3,"1",{ANSWERED}\n3,4,"0",{AGAIN}\n'
    assert turns("start,end,speaker,text\n" + rows) == talk(
        "Speaker 0", "Speaker 1", 1_000, 2_000, 3_000
    )


def workbook(rows: list[list[object]], *, style: int) -> bytes:
    """A workbook in which numbers have a cell style, of which the second shows a time."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = "".join(
        "<row>"
        + "".join(
            f'<c r="{chr(65 + at)}{number}" t="inlineStr"><is><t>{one}</t></is></c>'
            if isinstance(one, str)
            else f'<c r="{chr(65 + at)}{number}" s="{style}"><v>{one}</v></c>'
            for at, one in enumerate(row)
        )
        + "</row>"
        for number, row in enumerate(rows, start=1)
    )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{space}"/>')
        archive.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{space}"><cellXfs><xf numFmtId="0"/><xf numFmtId="21"/></cellXfs>'
            "</styleSheet>",
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>',
        )
    return held.getvalue()


@pytest.mark.parametrize(("second", "style"), [(1 / 86_400, 1), (1.0, 0)])
def test_workbooks_are_tables_with_times_as_fractions_of_a_day(second: float, style: int) -> None:
    rows: list[list[object]] = [["Speaker", "Start", "Text"]]
    spoken = [("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)]
    rows += [[who, at * second, text] for at, (who, text) in enumerate(spoken, start=1)]
    content = decode_file(workbook(rows, style=style)).text
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


# JSON


@pytest.mark.parametrize(
    "names",
    [{"s1": "Ann", "s2": "Marek"}, {"s1": {"name": "Ann"}, "s2": {"name": "Marek"}}],
)
def test_an_object_gives_the_names_of_ids(names: object) -> None:
    parts = [
        {"speaker": who, "start": at, "text": text}
        for who, at, text in [("s1", 1.0, ASKED), ("s2", 2.0, ANSWERED), ("s1", 3.0, AGAIN)]
    ]
    content = json.dumps({"speakers": names, "paragraphs": parts})
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_a_list_without_speakers_has_them_before_what_is_said() -> None:
    lines = [f"Ann: {ASKED}", f"Marek: {ANSWERED}", f"Ann: {AGAIN}"]
    parts = [{"start": float(at), "text": text} for at, text in enumerate(lines, start=1)]
    assert turns(json.dumps(parts)) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


# Text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Mr. DURBIN. ", "The PRESIDING OFFICER. "),
        ("Ms. NORTON. ", "Mr. HILL of Arkansas. "),
    ],
)
def test_labels_with_a_title_that_end_in_a_dot(first: str, second: str) -> None:
    content = f"{first}{ASKED}\n\n{second}{ANSWERED}\n\n{first}{AGAIN}\n"
    content += f"\n{second}Mr. President, there are two points: cost and time.\n"
    found = said(read(content))
    assert found[:3] == [
        (first.rstrip(". "), ASKED),
        (second.rstrip(". "), ANSWERED),
        (first.rstrip(". "), AGAIN),
    ]
    assert found[3][1] == "Mr. President, there are two points: cost and time."


@pytest.mark.parametrize("mark", ["[{}] ", "({}) ", "{}: "])
def test_translations_line_by_line_are_words_of_the_one_who_speaks(mark: str) -> None:
    english, german = mark.format("EN"), mark.format("DE")
    content = (
        f"Interviewer: {english}How long?\n{german}Wie lange?\n"
        f"Resident: {english}Years.\n{german}Jahre.\n"
        f"Interviewer: {english}And before?\n{german}Und davor?\n"
    )
    assert said(read(content)) == [
        ("Interviewer", f"{english}How long? {german}Wie lange?"),
        ("Resident", f"{english}Years. {german}Jahre."),
        ("Interviewer", f"{english}And before? {german}Und davor?"),
    ]


def test_labels_that_may_be_languages_are_in_doubt_where_there_are_no_others() -> None:
    reading = read("EN: How long?\nDE: Wie lange?\nEN: And before?\nDE: Und davor?\n")
    assert "languages" in reading.report.doubts[0]


def test_who_is_who_in_a_list_of_details_is_nobodys_turn() -> None:
    content = (
        "Project: Night buses\nInterviewer: Salma B.\nParticipant: P12 (nurse, 34)\n"
        "Date: 4 Nov 2024\n\nSB: Thanks for doing this.\nP12: No problem.\n"
        "SB: When do you finish?\nP12: Around 23:45.\n"
    )
    assert [one.speaker for one in read(content).segments] == ["Speaker", "SB", "P12", "SB", "P12"]


def test_definition_lists_of_web_pages_are_read_as_names_and_speech() -> None:
    rows = "".join(
        f"<dt>{who}</dt><dd>{text}</dd>"
        for who, text in [("Ann Lee", ASKED), ("Marek Nowak", ANSWERED), ("Ann Lee", AGAIN)]
    )
    content = f"<!DOCTYPE html><html><head><title>x</title></head><body><dl>{rows}</dl></body>"
    assert turns(content) == talk("Ann Lee", "Marek Nowak")


# Word documents and encodings


def document(write: Callable[[docx.document.Document], None]) -> str:
    made = docx.Document()
    write(made)
    held = io.BytesIO()
    made.save(held)
    return decode_file(held.getvalue()).text


def test_bold_names_without_a_colon_are_labels() -> None:
    def write(made: docx.document.Document) -> None:
        for who, text in [("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)]:
            paragraph = made.add_paragraph()
            paragraph.add_run(who).bold = True
            paragraph.add_run(f" {text}")

    assert turns(document(write)) == talk("Ann", "Marek")


def test_bold_words_that_do_not_recur_stay_speech() -> None:
    def write(made: docx.document.Document) -> None:
        for who, text in [("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)]:
            made.add_paragraph(f"{who}: {text}")
        paragraph = made.add_paragraph()
        paragraph.add_run("Never").bold = True
        paragraph.add_run(" again, I said.")

    assert said(read(document(write)))[-1] == ("Ann", f"{AGAIN} Never again, I said.")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1253", "Μαρία: Πώς ξεκίνησες;\nΝίκος: Τυχαία.\nΜαρία: Και μετά;\n"),
        ("cp1255", "מראיינת: איך התחלת לעבוד כאן?\nדוד: במקרה.\nמראיינת: ואחר כך?\n"),
        ("cp1256", "سلمى: كيف بدأت العمل هنا؟\nيوسف: بدأت صدفة.\nسلمى: وماذا بعد؟\n"),
        ("cp1251", "Ольга: Как вы начали?\nИван: Случайно.\nОльга: А потом?\n"),
        ("koi8-r", "Ольга: Как вы начали?\nИван: Случайно.\nОльга: А потом?\n"),
    ],
)
def test_encodings_of_other_alphabets_are_found_by_frequent_letters(
    encoding: str, text: str
) -> None:
    assert decode_file(text.encode(encoding)).text == text


# Second round


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Excerpt Range,Speaker,Excerpt Copy", "{n}-20,{who},{text}"),
        ("Zeile;Person;Äußerung", "{n};{who};{text}"),
    ],
)
def test_tables_whose_column_of_words_has_an_unknown_name(head: str, row: str) -> None:
    spoken = enumerate([("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)], start=1)
    rows = [row.format(n=at, who=who, text=text) for at, (who, text) in spoken]
    assert turns("\n".join([head, *rows])) == talk("Ann", "Marek")


@pytest.mark.parametrize("head", ["Start (s)", "Start [ms]", "Beginn", "Position"])
def test_columns_of_times_are_known_with_a_unit_or_by_what_they_hold(head: str) -> None:
    unit = "000" if "ms" in head else ".0"
    unit = ":00" if head in {"Beginn", "Position"} else unit
    spoken = enumerate([("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)], start=1)
    rows = [f"{at}{unit};{text};{who}" for at, (who, text) in spoken]
    scale = 60_000 if head in {"Beginn", "Position"} else 1_000
    assert turns("\n".join([f"{head};Transcript;Speaker", *rows])) == talk(
        "Ann", "Marek", scale, 2 * scale, 3 * scale
    )


@pytest.mark.parametrize("head", ["Time,Interviewer,Marek", "Interviewer,Time,Marek"])
def test_a_column_for_each_speaker(head: str) -> None:
    places = head.split(",")
    spoken = [("Interviewer", ASKED), ("Marek", ANSWERED), ("Interviewer", AGAIN)]
    rows = [
        ",".join({"Time": f"0:0{at}", who: text}.get(one, "") for one in places)
        for at, (who, text) in enumerate(spoken, start=1)
    ]
    assert turns("\n".join([head, *rows])) == talk("Interviewer", "Marek", 1_000, 2_000, 3_000)


@pytest.mark.parametrize(
    ("speaker", "text", "start"),
    [
        ("Speaker", "Text", "BeginTime"),
        ("personName", "text", "startTime"),
        ("SPEAKER_NAME", "Transcript", "Start-Time"),
        ("uttered_by", "utterance", "start"),
    ],
)
def test_keys_of_json_in_any_spelling(speaker: str, text: str, start: str) -> None:
    spoken = [("Ann Lee", 1.0, ASKED), ("Marek Nowak", 2.0, ANSWERED), ("Ann Lee", 3.0, AGAIN)]
    parts = [{speaker: who, start: at, text: words} for who, at, words in spoken]
    assert turns(json.dumps({"items": parts})) == talk(
        "Ann Lee", "Marek Nowak", 1_000, 2_000, 3_000
    )


def test_offsets_in_milliseconds_and_pairs_of_times() -> None:
    spoken = [("Ann", 1_000, ASKED), ("Marek", 2_000, ANSWERED), ("Ann", 3_000, AGAIN)]
    expected = talk("Ann", "Marek", 1_000, 2_000, 3_000)
    offsets = [{"personName": who, "offsetMillisecond": at, "text": x} for who, at, x in spoken]
    pairs = [
        {"speaker": who, "timestamps": [at / 1_000, at / 1_000 + 1], "transcript": x}
        for who, at, x in spoken
    ]
    assert turns(json.dumps({"items": offsets})) == turns(json.dumps(pairs)) == expected


@pytest.mark.parametrize(
    "turn",
    [
        "[{who}] (0:0{at} - 0:09)\n{text}\n",
        "[{who}] (0:0{at})\n{text}\n",
        "**[00:0{at}]** {who}: {text}",
        "**00:0{at}** **{who}:** {text}",
    ],
)
def test_times_in_brackets_and_bold_beside_names(turn: str) -> None:
    spoken = enumerate([("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)], start=1)
    content = "\n".join(turn.format(who=who, at=at, text=text) for at, (who, text) in spoken)
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_names_of_accounts_are_labels() -> None:
    content = f"@ann_l: {ASKED}\n@marek.n: {ANSWERED}\n@ann_l: {AGAIN}\n"
    assert turns(content) == talk("@ann_l", "@marek.n")


def test_a_part_with_a_number_is_a_title() -> None:
    content = f"Episode 12: The boat\n\nAnn Lee: {ASKED}\n\nMarek Nowak: {ANSWERED}\n"
    assert said(read(content))[0] == ("Speaker", "Episode 12: The boat")


def test_the_and_a_noun_within_a_line_is_no_voice() -> None:
    content = (
        "Interviewer: Who begins?\nNurse: I can.\nInterviewer: Please.\n"
        "Nurse: Something else. The pipes: nobody thinks of them.\nInterviewer: Go on.\n"
    )
    assert "Something else. The pipes: nobody thinks of them." in [
        text for _, text in said(read(content))
    ]


@pytest.mark.parametrize("mark", ["[END OF TRACK AAA_march86_532.]", "[End of Tape 1, Side A]"])
def test_ends_of_tapes_are_nobodys_words(mark: str) -> None:
    content = f"ANN LEE:  {ASKED}\n\n{mark}\n\nMAREK NOWAK:  {ANSWERED}\n\nANN LEE: {AGAIN}\n"
    assert turns(content) == talk("ANN LEE", "MAREK NOWAK")


def test_turkish_is_told_from_icelandic() -> None:
    turkish = "Görüşmeci: Ne zaman başladınız?\nAyşe: Baharda. Sanırım öyleydi.\n"
    icelandic = "Spyrill: Hvenær byrjaðir þú?\nJón: Um vorið. Ég held það.\n"
    assert decode_file(turkish.encode("cp1254")).text == turkish
    assert decode_file(icelandic.encode("cp1252")).text == icelandic


# Third round

SPOKEN = [("Ann", 1.0, ASKED), ("Marek", 2.0, ANSWERED), ("Ann", 3.0, AGAIN)]


def test_lines_before_a_table_tell_what_it_is_about() -> None:
    rows = "".join(f"{who},0:0{at:.0f},{text}\n" for who, at, text in SPOKEN)
    content = f"Meeting,Weekly\nDate,2024-01-01\n\nSpeaker,Start,Text\n{rows}"
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)
    assert "2 lines" in " ".join(read(content).report.notices)


@pytest.mark.parametrize(
    "document",
    [
        {"alignments": [{"word": w, "start": at, "speaker": who} for who, at, w in SPOKEN]},
        {"words": [{"word": w, "startSec": at, "speakerTag": who} for who, at, w in SPOKEN]},
        {"Data": {"Detail": [{"FinalSentence": w, "StartMs": int(at * 1_000), "SpeakerId": who}
                             for who, at, w in SPOKEN]}},
        {"transcripts": [{"phrases": [
            {"text": w, "participantPurpose": who, "startTimeMs": at * 1_000}
            for who, at, w in SPOKEN]}]},
        {"Conversation": {"TranscriptSegments": [
            {"Content": w, "ParticipantDetails": {"ParticipantRole": who}, "BeginAudioTime": at}
            for who, at, w in SPOKEN]}},
    ],
)  # fmt: skip
def test_json_of_clouds_that_nobody_listed(document: object) -> None:
    assert turns(json.dumps(document)) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_chats_have_events_in_which_nothing_is_said() -> None:
    messages = [{"from": who, "text": text, "type": "message"} for who, _, text in SPOKEN]
    document = {"messages": [{"actor": "Ann", "action": "phone_call", "text": ""}, *messages]}
    assert turns(json.dumps(document)) == talk("Ann", "Marek")


def test_profiles_name_who_has_a_number() -> None:
    parts = [
        {"user": f"U{len(who)}", "user_profile": {"real_name": who}, "text": text}
        for who, _, text in SPOKEN
    ]
    assert turns(json.dumps(parts)) == talk("Ann", "Marek")


@pytest.mark.parametrize(
    "turn",
    [
        "{who} [{at}000ms]: {text}",
        "@0:0{at} {who}: {text}",
        "00h00m0{at}s {who}: {text}",
        "[{at}000 ms] {who}: {text}",
    ],
)
def test_times_in_other_units_beside_names(turn: str) -> None:
    content = "\n".join(turn.format(who=who, at=int(at), text=text) for who, at, text in SPOKEN)
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


@pytest.mark.parametrize(
    ("turn", "first", "second"),
    [
        ("'''{who}:''' {text}", "Ann", "Marek"),
        ("#{n}: {text}", "#3", "#5"),
        ("Nr. {n}: {text}", "Nr. 3", "Nr. 5"),
    ],
)
def test_labels_of_wikis_and_by_number(turn: str, first: str, second: str) -> None:
    content = "\n".join(turn.format(who=who, n=len(who), text=text) for who, _, text in SPOKEN)
    assert turns(content) == talk(first, second)


@pytest.mark.parametrize("form", ["{{{}}} ", "{{{}}}: ", "[{}]\n"])
def test_braces_and_brackets_around_names_in_captions(form: str) -> None:
    cues = [
        f"{at:.0f}\n00:00:0{at:.0f},000 --> 00:00:0{at:.0f},900\n{form.format(who)}{text}\n"
        for who, at, text in SPOKEN
    ]
    assert turns("\n".join(cues)) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_names_behind_the_times_of_webvtt() -> None:
    cues = [f"00:0{at:.0f}.000 --> 00:0{at:.0f}.900 {who}\n{text}\n" for who, at, text in SPOKEN]
    content = "WEBVTT\n\n" + "\n".join(cues)
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_times_in_labels_are_in_doubt() -> None:
    content = "\n".join(
        f"{who} after {number} min: {text}"
        for number, (who, _, text) in enumerate([*SPOKEN, *SPOKEN], start=10)
    )
    reading = read(f"Interviewer: Begin.\nInterviewer: Now.\n{content}")
    assert reading.report.doubts


@pytest.mark.parametrize(
    "content",
    [
        "From: Ann <a@x.org>\nTo: Marek\nSubject: Bees\nDate: 4 Nov 2024\n\nHi Marek,\n\nBye\n",
        "\n".join(f"2024-01-01 10:00:0{at} INFO Hive: {state}" for at, state in enumerate("abc")),
    ],
)
def test_mails_and_logs_are_no_transcripts(content: str) -> None:
    with pytest.raises(UnknownFormatError, match="looks like"):
        read(content)


# Fourth round


@pytest.mark.parametrize(
    ("turn", "first", "second"),
    [
        ("{q}) {text}", "Q", "A"),
        ("{initials}\t{text}", "AL", "ON"),
        ("{who} / {text}", "Ann", "Marek"),
    ],
)
def test_labels_set_off_by_a_bracket_a_tab_or_a_slash(turn: str, first: str, second: str) -> None:
    spoken = [*SPOKEN, ("Marek", 4.0, "Yes.")]
    content = "\n".join(
        turn.format(
            who=who,
            text=text,
            q="Q" if who == "Ann" else "A",
            initials="AL" if who == "Ann" else "ON",
        )
        for who, _, text in spoken
    )
    assert turns(content) == [*talk(first, second), (second, "Yes.", None)]


@pytest.mark.parametrize(
    "turn",
    [
        "{who}: 0:0{at}\n{text}",
        "【00:0{at}】{who}: {text}",
        "0:0{at} / {who} / {text}",
        "0:0{at} → {who}: {text}",
        "00:00:0{at}:00 00:00:0{at}:20\n{who}: {text}",
    ],
)
def test_times_beside_names_in_more_layouts(turn: str) -> None:
    content = "\n".join(turn.format(who=who, at=int(at), text=text) for who, at, text in SPOKEN)
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_clock_times_that_are_an_answer_stay_speech() -> None:
    content = "Ann: When?\nMarek: 4:30\nAnn: In the morning?\nMarek: At 4:30, yes.\n"
    assert said(read(content))[1] == ("Marek", "4:30")


@pytest.mark.parametrize("tag", ["td", "th"])
def test_the_head_of_a_table_of_a_web_page_is_nobodys_words(tag: str) -> None:
    head = "".join(f"<{tag}>{name}</{tag}>" for name in ("Time", "Speaker", "Text"))
    rows = "".join(
        f"<tr><td>0:0{at:.0f}</td><td>{who}</td><td>{text}</td></tr>" for who, at, text in SPOKEN
    )
    content = f"<table><tr>{head}</tr>{rows}</table>"
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_times_in_hours_minutes_and_seconds_in_a_table() -> None:
    rows = "".join(f"{who},0h0m{at:.0f}s,{text}\n" for who, at, text in SPOKEN)
    assert turns(f"Speaker,Timestamp,Dialogue\n{rows}") == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_a_comma_that_shifts_the_cells_of_a_table_is_in_doubt() -> None:
    rows = "".join(f"Okafor, Tom,{at},{text}\nLee,{at},Yes\n" for _, at, text in SPOKEN)
    assert any("shifted" in one for one in read(f"Speaker,Start,Text\n{rows}").report.doubts)


def test_lines_that_recur_with_a_name_before_a_dash_are_speech() -> None:
    content = "Ann Lee - Yes , 1 more\nMarek Nowak - Of course\n" * 4 + "Ann Lee - Bye\n"
    assert len(read(content).segments) == 9


def test_headings_that_recur_are_names() -> None:
    parts = [("Marketing", "Hm."), ("Design", "Ah.")] * 3
    content = "".join(f"### {who}\n{text}\n\n" for who, text in parts)
    assert len(read(content).segments) == 6


# Fifth round, and one that was looked at last


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("mac_roman", "Zoë: Où est-il né?\nTom: À Orléans, en été.\nZoë: Déjà?\n"),
        ("iso8859_15", "Zoë: Où est-il né?\nTom: À Orléans, pour 5 €.\nZoë: Déjà?\n"),
        ("cp1250", "Jiří: Co se rozbilo první?\nŽaneta: Čerpadlo. Vždycky.\nJiří: A pak?\n"),
        ("cp1252", "Søren: Hvad gik først i stykker?\nÅse: Pumpen. Og så?\nSøren: Ja, på bådén.\n"),
    ],
)
def test_western_and_central_encodings_are_told_apart(encoding: str, text: str) -> None:
    assert decode_file(text.encode(encoding)).text == text


CUES = [
    f"{at:.0f}\n00:00:0{at:.0f},000 --> 00:00:0{at:.0f},900\n{who}: {text}\n"
    for who, at, text in SPOKEN
]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(CUES).replace("-->", "---->"),
        "\n".join(re.sub(r"^(\d)\n", r"\1.\n", cue) for cue in CUES),
        "\n".join(CUES).replace("\n", "\r\r\n"),
        "\n".join(CUES).replace(" do you ", "<br>do you<br/>"),
    ],
    ids=["long arrow", "index with a dot", "CR CR LF", "HTML's line breaks"],
)
def test_captions_that_tools_write_a_little_off(content: str) -> None:
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


@pytest.mark.parametrize("title", ["Chairman", "Senator", "Deputy Secretary", "Dr."])
def test_any_title_before_a_name_in_capitals_and_a_dot(title: str) -> None:
    first, second = f"{title} WYDEN", f"{title} BRANDT"
    content = f"    {first}. {ASKED}\n    {second}. {ANSWERED}\n    {first}. {AGAIN}\n"
    assert turns(content) == talk(first, second)


def test_translations_in_brackets_below_are_words_of_the_one_who_speaks() -> None:
    content = "".join(f"{who}: {text}\n(ES: {text})\n" for who, _, text in SPOKEN)
    assert said(read(content)) == [(who, f"{text} (ES: {text})") for who, _, text in SPOKEN]


def test_a_list_of_labels_gives_names() -> None:
    labels = [{"label": "A", "speaker_name": "Ann"}, {"label": "B", "speaker_name": "Marek"}]
    parts = [
        {"speaker_label": "A" if who == "Ann" else "B", "start_time": at, "transcript": text}
        for who, at, text in SPOKEN
    ]
    document = {"speaker_labels": labels, "segments": parts}
    assert turns(json.dumps(document)) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_times_in_brackets_in_a_table() -> None:
    rows = "".join(f"{who},[00:00:0{at:.0f}],{text}\n" for who, at, text in SPOKEN)
    assert turns(f"SPEAKER,TIMESTAMP,UTTERANCE\n{rows}") == talk(
        "Ann", "Marek", 1_000, 2_000, 3_000
    )


# Sixth round


def test_times_in_italics_behind_bold_names() -> None:
    content = "".join(f"**{who}** _0:0{at:.0f}_\n{text}\n\n" for who, at, text in SPOKEN)
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)


def test_a_label_without_what_it_had_in_brackets_is_one_too() -> None:
    chair = "The Presiding Officer"
    content = f"{chair} (Ann Lee):\n{ASKED}\n\nMarek Nowak:\n{ANSWERED}\n\n{chair}:\n{AGAIN}\n"
    assert said(read(content)) == [
        (f"{chair} (Ann Lee)", ASKED),
        ("Marek Nowak", ANSWERED),
        (chair, AGAIN),
    ]


@pytest.mark.parametrize("key", ["fullName", "called"])
def test_a_speaker_who_is_an_object_has_the_name_in_it(key: str) -> None:
    blocks = [{"speaker": {key: who}, "start": at, "text": text} for who, at, text in SPOKEN]
    assert turns(json.dumps({"data": {"blocks": blocks}})) == talk(
        "Ann", "Marek", 1_000, 2_000, 3_000
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_in_another_alphabet(encoding: str) -> None:
    text = "Интервьюер: Кто платил?\nОльга: Мы. Дважды.\nИнтервьюер: Почему?\n"
    assert decode_file(text.encode(encoding)).text == text


def test_counted_names_in_ids_of_cues() -> None:
    cues = [
        f"{who}-{number}\n00:0{at:.0f}.000 --> 00:0{at:.0f}.900\n{text}\n"
        for number, (who, at, text) in enumerate(SPOKEN, start=1)
    ]
    content = "WEBVTT\n\n" + "\n".join(cues)
    assert turns(content) == talk("Ann", "Marek", 1_000, 2_000, 3_000)
