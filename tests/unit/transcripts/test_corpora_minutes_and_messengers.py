"""NIST's scoring files, minutes in Akoma Ntoso, LaTeX, and chats of Messages and LINE.

Made up as the tools write them; what should come out was written down before they were read.
"""

# ruff: noqa: RUF001 - samples of many scripts

from __future__ import annotations

import pytest

from contracts.transcript import TranscriptFormat
from transcripts.errors import TooLargeTranscriptError, UnknownFormatError
from unit.transcripts.reading_support import read, said

Turn = tuple[str, str]


def check(content: str, format: TranscriptFormat, turns: list[Turn]) -> None:  # noqa: A002  # as the API
    reading = read(content)
    assert reading.format is format
    assert said(reading) == turns
    assert reading.report.doubts == ()


# NIST's files


def test_segments_of_stm_have_speakers_and_times() -> None:
    content = (
        ';; LABEL "f0" "baseline" ""\n'
        "bees 1 inter_segment_gap 0.00 2.31 <o,,unknown>\n"
        "bees 1 Ivy 2.31 6.02 <o,f0,female> so i keep bees 'cause of my aunt\n"
        "bees 1 Host 6.02 8.4 <o,f0,male> { um / @ } and where was that\n"
        "bees 1 Ivy 8.4 11 <NA> up in the hills\n"
        "bees 1 Ivy 11 12 <o,f0,female> ignore_time_segment_in_scoring\n"
    )
    check(
        content,
        TranscriptFormat.STM,
        [
            ("Ivy", "so i keep bees 'cause of my aunt"),
            ("Host", "um and where was that"),
            ("Ivy", "up in the hills"),
        ],
    )
    reading = read(content)
    assert [one.start_ms for one in reading.segments] == [2_310, 6_020, 8_400]
    assert "2 lines that a tool wrote around the talk were dropped: lines 2, 6" in reading.notices


def test_recordings_in_one_file_are_in_doubt() -> None:
    reading = read("one 1 Ivy 0 1 hello\ntwo 1 Host 0 1 hello there\n")
    assert "the file holds 2 recordings" in reading.report.doubts[0]


def test_words_of_ctm_have_channels_where_nobody_is_named() -> None:
    content = (
        "call A 0.52 0.30 hello 0.98\ncall A 0.90 0.41 there 0.95\n"
        "call B 1.60 0.22 yes 0.88\ncall A 2.70 0.30 good 0.99\n"
    )
    check(
        content,
        TranscriptFormat.CTM,
        [("Channel A", "hello there"), ("Channel B", "yes"), ("Channel A", "good")],
    )
    assert read(content).segments[0].words[1].start_ms == 900


def test_words_of_ctm_have_types_and_speakers() -> None:
    content = (
        "call 1 0.5 0.3 hello 0.9 lex ivy\ncall 1 0.8 0.1 {breath} NA non-lex ivy\n"
        "call 1 1.0 0.3 uh 0.9 fp host\n"
    )
    check(content, TranscriptFormat.CTM, [("ivy", "hello"), ("host", "uh")])


def test_the_first_of_alternatives_in_ctm_is_read() -> None:
    content = (
        "call 1 0.0 0.2 i 0.9\ncall 1 * * <ALT_BEGIN>\ncall 1 0.5 0.3 am 0.9\n"
        "call 1 * * <ALT>\ncall 1 0.5 0.3 was 0.9\ncall 1 * * <ALT_END>\ncall 1 1.0 0.2 here 0.9\n"
    )
    check(content, TranscriptFormat.CTM, [("Speaker", "i am here")])


def test_a_list_of_who_speaks_when_is_no_transcript() -> None:
    line = "SPEAKER talk 1 {}.0 1.0 <NA> <NA> ivy <NA> <NA>\n"
    with pytest.raises(UnknownFormatError, match="RTTM"):
        read("".join(line.format(at) for at in range(4)))


# Minutes


def test_speeches_of_akoma_ntoso_name_who_speaks() -> None:
    content = (
        '<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><debate><meta>'
        '<references><TLCPerson eId="mbewe" showAs="T. Mbewe"/></references></meta><debateBody>'
        '<debateSection name="questions"><heading>Water</heading><narrative>The House met.'
        '</narrative><question by="#mbewe"><from>Mr T. Mbewe</from><p>When will the pipe to '
        '<i>Lundazi</i> be mended?</p></question><answer by="#minister"><from>The Minister (Ms '
        "Phiri):</from><p>In June.</p><p>The tender is out.</p></answer><speech><from>The Speaker"
        "</from><p>Order. <remark>[Interruption]</remark> Let her finish.</p></speech>"
        "</debateSection></debateBody></debate></akomaNtoso>"
    )
    check(
        content,
        TranscriptFormat.AKOMA_NTOSO,
        [
            ("T. Mbewe", "When will the pipe to Lundazi be mended?"),
            ("The Minister (Ms Phiri)", "In June. The tender is out."),
            ("The Speaker", "Order. Let her finish."),
        ],
    )
    assert "1 places of the minutes that nobody says were passed over" in read(content).notices


# LaTeX

ASKED, ANSWERED, AGAIN = "Where do you keep them?", "On the roof.", "Really?"
TALK = [("Ann", ASKED), ("Marek", ANSWERED), ("Ann", AGAIN)]


@pytest.mark.parametrize(
    "body",
    [
        (
            "\\begin{{description}}\n\\item[Ann:] {0}\n\\item[Marek:] {1}\n\\item[Ann:] {2}\n"
            "\\end{{description}}"
        ),
        (
            "\\begin{{dialogue}}\n\\speak{{Ann}} {0}\n\\speak{{Marek}} {1}\n\\speak{{Ann}} {2}\n"
            "\\end{{dialogue}}"
        ),
        "\\textbf{{Ann:}} {0}\n\n\\noindent\\textbf{{Marek:}} {1}\n\n\\textbf{{Ann:}} {2}",
        "\\textbf{{Ann}} {0}\\\\\n\\textbf{{Marek}} {1}\\\\\n\\textbf{{Ann}} {2}",
        (
            "\\textsc{{Ann}}: {0} % on tape\n\n\\textsc{{Marek}}: {1}\\footnote{{Laughs.}}\n\n"
            "\\textsc{{Ann}}: {2}"
        ),
        "\\A {0}\n\n\\B{{{1}}}\n\n\\A {2}",
    ],
)
def test_latex_is_read_in_the_ways_people_set_interviews(body: str) -> None:
    head = (
        "\\documentclass{article}\n\\newcommand{\\A}{\\par\\textbf{Ann:} }\n"
        "\\newcommand{\\B}[1]{\\par\\textbf{Marek:} #1}\n\\begin{document}\n"
    )
    content = f"{head}{body.format(ASKED, ANSWERED, AGAIN)}\n\\end{{document}}\n"
    check(content, TranscriptFormat.LATEX, TALK)


@pytest.mark.parametrize(
    "body",
    [
        "\\interviewer{{{0}}}\n\n\\interviewee{{{1}}}\n\n\\interviewer{{{2}}}",
        (
            "\\begin{{interviewer}}{0}\\end{{interviewer}}\n\\begin{{interviewee}}{1}"
            "\\end{{interviewee}}\n\\begin{{interviewer}}{2}\\end{{interviewer}}"
        ),
    ],
)
def test_commands_and_environments_named_for_roles_name_speakers(body: str) -> None:
    content = f"\\begin{{document}}\n{body.format(ASKED, ANSWERED, AGAIN)}\n\\end{{document}}"
    roles = ("Interviewer", "Interviewee", "Interviewer")
    texts = (ASKED, ANSWERED, AGAIN)
    check(content, TranscriptFormat.LATEX, list(zip(roles, texts, strict=True)))


def test_signs_of_latex_are_read_as_they_are_printed() -> None:
    content = (
        "\\documentclass{article}\\begin{document}\nZo\\\"e: Caf\\'e --- I'd say 80\\% \\ldots\n\n"
        "Ren\\'{e}: ``Stra\\ss e'', \\emph{n}$^2$~km \\& so on. Note: \\textbf{no}.\n"
        "\\end{document}"
    )
    assert said(read(content)) == [
        ("Zoë", "Café — I'd say 80% …"),
        ("René", "“Straße”, n$^2$ km & so on. Note: no."),
    ]


def test_macros_that_grow_without_end_are_too_large() -> None:
    bodies = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]
    macros = "".join(
        rf"\newcommand{{\{one}}}{{" + rf"\{after} " * 90 + "}\n" for one, after in bodies
    )
    with pytest.raises(TooLargeTranscriptError):
        read(f"\\documentclass{{article}}{macros}\\begin{{document}}Ann: \\a\\end{{document}}")


def test_commands_of_latex_that_are_not_known_are_in_doubt() -> None:
    content = "\\begin{document}\nAnn: How \\strange{many}?\n\nBo: Two.\n\\end{document}"
    assert "\\strange" in read(content).report.doubts[-1]


# Chats


def test_text_exports_of_messages_have_the_sender_below_the_time() -> None:
    content = (
        "Mar 03, 2024  9:14:02 AM (Read by you after 12 seconds)\nPriya Nair\nStill up for it?\n\n"
        "Mar 03, 2024  9:15:40 AM\nMe\nYes! What is it?\nOne thing: ten minutes.\nTapbacks:\n"
        "    Liked by Priya Nair\n\n"
        "Mar 03, 2024  9:16:11 AM\nPriya Nair\nHow long did you work nights?\n"
        "    Mar 03, 2024  9:17:00 AM\n    Me\n    Four years.\n\n"
        "Mar 03, 2024  9:17:00 AM\nMe\nFour years.\nattachments/AB/IMG_1.HEIC\n"
        "This message responded to an earlier message.\n\n"
        "Mar 03, 2024  9:18:00 AM Priya Nair named the conversation Study\n\n"
    )
    check(
        content,
        TranscriptFormat.IMESSAGE,
        [
            ("Priya Nair", "Still up for it?"),
            ("Me", "Yes! What is it? One thing: ten minutes."),
            ("Priya Nair", "How long did you work nights?"),
            ("Me", "Four years."),
        ],
    )


def test_pages_of_messages_show_replies_once() -> None:
    stamp = '<span class="timestamp">Mar 03, 2024  9:14:02 AM</span>'
    part = '<div class="message_part"><span class="bubble">{}</span>{}</div>'
    me = f'<p>{stamp}<span class="sender">Me</span></p>' + part.format("Four years.", "")
    replies = f'<div class="tapbacks">Loved by Me</div><div class="replies">{me}</div>'
    content = (
        f'<html><body><p>{stamp}<span class="sender">Priya</span></p>'
        f"{part.format('How long?', replies)}{me}</body></html>"
    )
    check(content, TranscriptFormat.MESSAGE_PAGE, [("Priya", "How long?"), ("Me", "Four years.")])


@pytest.mark.parametrize(
    "content",
    [
        (
            "[LINE] Chat history with Ann\nSaved on: 2018/03/25 19:57\n\n2018/03/24 Sat\n"
            '07:33\tAnn\t"Where do you\nkeep them?"\n07:34\tMarek\tOn the roof.\n'
            "07:35\tMarek\t[Sticker]\n07:40\t☎ Call time 0:32\n07:41\tAnn\tReally?\n"
        ),
        (
            "[LINE] 與Ann的聊天記錄\n儲存日期：2024/01/06 10:00\n\n2024/01/05（五）\n"
            "上午09:15\tAnn\tWhere do you keep them?\n下午01:02\tMarek\tOn the roof.\n"
            "下午01:03\tMarek\t[貼圖]\n2024/01/06（六）\n00:30\tAnn\tReally?\n"
        ),
        (
            "2025.12.30 火曜日\n23:43 Ann スタンプ\n23:47 Ann Where do you keep them?\n"
            "23:48 Marek On the roof.\n23:49 Ann Really?\n23:50 Marek 写真\n"
        ),
    ],
)
def test_chats_of_line_have_days_times_and_senders(content: str) -> None:
    check(content, TranscriptFormat.LINE, TALK)


def test_senders_that_nothing_parts_from_their_words_are_in_doubt() -> None:
    content = "2025.12.30 火曜日\n23:47 Ann Lee Where?\n23:48 On roofs?\n23:49 Marek No.\n"
    assert "nothing parts the sender from the words" in read(content).report.doubts[0]
