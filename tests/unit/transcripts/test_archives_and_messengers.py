"""SAMI, OHMS, messengers' pages and notes, and labels that only a column or their case sets off.

Made up as the tools write them; what should come out was written down before they were read.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import time

import pytest

from contracts.transcript import TranscriptFormat
from transcripts.errors import EmptyTranscriptError
from transcripts.files.decoding import decode_file
from unit.transcripts.reading_support import read, said

ASKED, ANSWERED, AGAIN = "Where do you keep them?", "On the roof: it is dry.", "Really?"
_SECONDS = 5.0
"""Where each element was looked for in all around it, it took a minute."""
TALK = [("Ann Lee", ASKED), ("Marek Nowak", ANSWERED), ("Ann Lee", AGAIN)]


def spoken(content: str) -> list[tuple[str, str]]:
    reading = read(content)
    assert reading.report.doubts == ()
    return said(reading)


def doubts(content: str) -> str:
    return " ".join(read(content).report.doubts)


# SAMI


def test_sami_has_times_and_labels_over_several_lines() -> None:
    content = (
        '<SAMI>\n<HEAD><STYLE TYPE="text/css"><!--\nP { color: white; }\n'
        ".ENUSCC { Name: English; lang: en-US; }\n--></STYLE></HEAD>\n<BODY>\n"
        "<SYNC Start=1000><P Class=ENUSCC>Ann Lee: Where do<br>you keep them?\n"
        "<SYNC Start=2500><P Class=ENUSCC>&nbsp;\n"
        '<SYNC Start="3000"><P Class=ENUSCC><font color="#ffff00">Marek Nowak: On the roof:<br />\n'
        "it is dry.</font>\n<SYNC Start=5000><P Class=ENUSCC>Ann Lee: Really?\n</BODY>\n</SAMI>\n"
    )
    reading = read(content)
    assert reading.format is TranscriptFormat.SAMI
    assert spoken(content) == TALK
    assert [(one.start_ms, one.end_ms) for one in reading.segments[:2]] == [
        (1_000, 2_500),
        (3_000, 5_000),
    ]


def test_sami_names_who_speaks_in_paragraphs_of_their_own() -> None:
    cues = [
        f"<Sync Start={at}000><P Class=EN ID=Source>{who}<P Class=EN>{text}"
        for at, (who, text) in enumerate(TALK, start=1)
    ]
    assert spoken(f"<SAMI><BODY>{''.join(cues)}</BODY></SAMI>") == TALK


def test_one_language_of_sami_is_read_and_the_other_is_reported() -> None:
    cues = [
        f"<SYNC Start={at}000><P Class=KRCC>{who}: 네.<P Class=ENCC>{who}: {text}"
        for at, (who, text) in enumerate(TALK, start=1)
    ]
    cues.append("<SYNC Start=4000><P Class=ENCC>Ann Lee: Oh.")
    reading = read(f"<SAMI><BODY>{''.join(cues)}</BODY></SAMI>")
    assert said(reading) == [*TALK[:2], ("Ann Lee", f"{AGAIN} Oh.")]
    assert "3 lines of tiers of notes or translations were passed over" in reading.notices


def test_sami_in_the_code_page_of_korea() -> None:
    content = (
        "<SAMI><BODY>\n<SYNC Start=1000><P Class=KRCC>민수: 요즘 어떻게 지내세요?\n"
        "<SYNC Start=3500><P Class=KRCC>지영: 바쁘게 지내요. 일이 많아요.\n"
        "<SYNC Start=6000><P Class=KRCC>민수: 주말에도 일하세요?\n</BODY></SAMI>"
    )
    assert spoken(decode_file(content.encode("cp949")).text) == [
        ("민수", "요즘 어떻게 지내세요?"),
        ("지영", "바쁘게 지내요. 일이 많아요."),
        ("민수", "주말에도 일하세요?"),
    ]


# OHMS


def ohms(transcript: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ROOT xmlns="https://www.weareavp.com/nunncenter/'
        'ohms"><record id="12"><version>6</version><title>Interview with Marek Nowak</title>'
        "<index><point><time>0</time><title>Introduction: the roof</title></point></index>"
        f"{transcript}<rights>Public: yes</rights></record></ROOT>"
    )


def test_ohms_holds_webvtt() -> None:
    cues = [
        f"00:0{at}.000 --> 00:0{at}.900\n<v {who}>{text}\n"
        for at, (who, text) in enumerate(TALK, start=1)
    ]
    body = "WEBVTT\n\n" + "\n".join(cues)
    content = ohms(f"<vtt_transcript><![CDATA[{body}]]></vtt_transcript>")
    assert read(content).format is TranscriptFormat.OHMS
    assert spoken(content) == TALK
    assert [one.start_ms for one in read(content).segments] == [1_000, 2_000, 3_000]


def test_ohms_holds_text_in_earlier_versions() -> None:
    lines = "\n\n".join(f"{who.split()[1].upper()}: {text}" for who, text in TALK)
    content = ohms(f"<sync>1:|7(3)|14(8)</sync><transcript>{lines}</transcript>")
    assert spoken(content) == [(who.split()[1].upper(), text) for who, text in TALK]


def test_ohms_without_a_transcript_is_refused() -> None:
    with pytest.raises(EmptyTranscriptError, match="an index and no transcript"):
        read(ohms("<transcript/>"))


# Messengers

MESSENGERS = [
    (
        '<div class="pam _3-95 uiBoxWhite noborder"><div class="_3-96 _2pio _2lek _2lel">{who}'
        '</div><div class="_3-96 _2let"><div><div></div><div>{text}</div><div><ul class="_tqp">'
        '<li>\U0001f44dBo</li></ul></div></div></div><div class="_3-94 _2lem">{date}</div></div>'
    ),
    (
        '<div class="_3-95 _a6-g"><h2 class="_2ph_ _a6-h _a6-i">{who}</h2><div class="_2ph_ _a6-p">'
        '<div><div></div><div>{text}</div></div></div><div class="_3-94 _a6-o">'
        '<div class="_a72d">{date}</div></div></div>'
    ),
]
HEAD = (
    '<html><head><title>Marek</title><style>p {{}}</style></head><body><div class="_4t5n">'
    '<div class="pam"><div class="_2lek">Participants: Marek Nowak and Ann Lee</div></div>{}'
    "</div></body></html>"
)


@pytest.mark.parametrize("message", MESSENGERS)
@pytest.mark.parametrize("dates", ["Mar {}, 2021, 10:00 AM", "sty {}, 2021 10:00"])
def test_pages_of_messenger_begin_with_the_newest(message: str, dates: str) -> None:
    messages = [
        message.format(who=who, text=text, date=dates.format(at))
        for at, (who, text) in enumerate(TALK, start=1)
    ]
    content = HEAD.format("".join(reversed(messages)))
    assert spoken(content) == TALK
    assert any("newest first" in one for one in read(content).notices)


def test_pages_of_messenger_that_begin_with_the_oldest_stay_so() -> None:
    messages = [
        MESSENGERS[0].format(who=who, text=text, date=f"Mar {at}, 2021, 10:00 AM")
        for at, (who, text) in enumerate(TALK, start=1)
    ]
    assert spoken(HEAD.format("".join(messages))) == TALK


def test_messages_of_telegram_go_on_with_the_sender_before() -> None:
    def message(who: str, text: str) -> str:
        name = f'<div class="from_name">\n{who} \n</div>' if who else ""
        return (
            f'<div class="message default clearfix{"" if who else " joined"}">'
            '<div class="pull_left userpic_wrap"><div class="userpic"><div class="initials">A'
            "</div></div></div>"
            '<div class="body"><div class="pull_right date details" title="04.03.2024 10:11:05">'
            f'10:11</div>{name}<div class="reply_to details">In reply to <a>this</a></div>'
            f'<div class="text">\n{text}\n</div></div></div>\n'
        )

    service = '<div class="message service"><div class="body details">4 March 2024</div></div>'
    content = (
        f'<!DOCTYPE html><html><body><div class="history">{service}{message("Ann Lee", ASKED)}'
        f"{message('Marek Nowak', 'On the roof:')}{message('', 'it is<br>dry.')}"
        f"{message('Ann Lee', AGAIN)}</div></body></html>"
    )
    assert spoken(content) == TALK


def test_messages_of_discord_have_no_preamble_and_no_times() -> None:
    groups = "".join(
        '<div class="chatlog__message-group"><span class="chatlog__author" title="x">'
        f'{who}</span><span class="chatlog__timestamp"><a>04/03/2024 10:00</a></span>'
        f'<div class="chatlog__content chatlog__markdown"><span>{text}</span></div></div>'
        for who, text in TALK
    )
    content = (
        '<!DOCTYPE html><html><body><div class="preamble"><div>Guild</div></div>'
        f'{groups}<div class="postamble">Exported 3 message(s)</div></body></html>'
    )
    assert spoken(content) == TALK


@pytest.mark.parametrize(
    ("form", "note"),
    [
        ("[04/03/2024, 10:0{}:05] {}: {}", "\u200eMessages and calls are end-to-end encrypted. No"),
        ("[04/03/2024, 10:0{}:05] {}: {}", "\u200eimage omitted"),
        ("\u200e[04.03.24, 10:0{}:05] {}: {}", "\u200eBild weggelassen"),
        ("04/03/2024, 10:0{} - {}: {}", "<Media omitted>"),
        ("3/4/24, 10:0{}\u202fAM - {}: {}", "IMG-20240304-WA0001.jpg (file attached)"),
    ],
)
def test_notes_of_whatsapp_are_nobodys_words(form: str, note: str) -> None:
    rows = [("Ann Lee", note), *TALK]
    content = "\n".join(form.format(at, who, text) for at, (who, text) in enumerate(rows))
    assert spoken(content) == TALK
    assert any("that a tool wrote" in one for one in read(content).notices)


# Columns, marks and headings


@pytest.mark.parametrize("initials", [("AK", "TB", "LW"), ("SM", "PC", "DJ")])
def test_labels_in_a_column_may_spell_words(initials: tuple[str, str, str]) -> None:
    a, b, c = initials
    talk = [
        ("MOD", "So what comes to mind?"), (a, "Honestly? Nothing."), (b, "The bill: I see it."),
        (c, "I have none."), ("MOD", "Why is that?"), (c, "No."), (a, "Mine said: next year."),
    ]  # fmt: skip
    assert spoken("".join(f"{who:<5}{text}\n" for who, text in talk)) == talk
    assert spoken("".join(f"{who}: {text}\n" for who, text in talk)) == talk


def test_an_unnamed_change_among_named_speakers_is_in_doubt() -> None:
    cues = ["Maria: How often?", "- Twice a month.\n- Only twice?", "Jonas: Maybe three times."]
    content = "".join(
        f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\n{text}\n\n"
        for at, text in enumerate(cues, start=1)
    )
    assert "speakers change at marks without a name" in doubts(content)


def test_names_in_small_letters_beside_times_recur() -> None:
    talk = [
        ("ann-lee", ASKED),
        ("marek-nowak", ANSWERED),
        ("ann-lee", AGAIN),
        ("marek-nowak", "Yes."),
    ]
    content = "".join(f"{who} [00:00:0{at}]\n{t}\n\n" for at, (who, t) in enumerate(talk))
    assert spoken(content) == talk


@pytest.mark.parametrize(
    ("head", "asks", "answers"),
    [
        ("文字记录：周会\n\n关键词：\n仓库、司机", "说话人 1", "说话人 2"),
        ("Тема: работа\nДата: 4 марта", "Интервьюер", "Респондент"),
        ("الموضوع: العمل\nالتاريخ: 4 مارس", "سارة", "يوسف"),
    ],
)
def test_headings_in_other_scripts_are_no_speakers(head: str, asks: str, answers: str) -> None:
    content = f"{head}\n\n" + "".join(
        f"{who}：{text}\n\n" for who, text in [(asks, "一"), (answers, "二"), (asks, "三")]
    )
    assert {who for who, _ in said(read(content))} <= {"Speaker", asks, answers}


def test_pages_of_elements_that_never_end_are_read_in_one_pass() -> None:
    content = (
        "<html>" + '<div class="text">' * 40_000 + "</p>" * 40_000 + '<b class="from_name">Ann</b>'
    )
    begin = time.process_time()
    assert said(read(content)) == [("Speaker", "Ann")]
    assert time.process_time() - begin < _SECONDS
