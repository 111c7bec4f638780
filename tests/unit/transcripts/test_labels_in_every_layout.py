"""Labels of every kind in every layout: one talk, each time with the same turns.

Its answers hold what readers take for labels: colons, lists, sounds in braces, short turns again
and again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unit.transcripts.reading_support import read

Turn = Callable[[str, str, int], str]

SPEECH = [
    (0, "Who was there first?"),
    (1, "{laugh} Me. Two reasons: I live close, and I was awake."),
    (2, "Okay ."),
    (3, "1982, or thereabouts."),
    (0, "And then?"),
    (2, "{laugh} {laugh}"),
    (1, "(laughs) The whole street came. My aunt said: go home."),
    (2, "{laugh} {laugh}"),
    (3, "Price: nothing. Distance: five minutes - on foot."),
    (1, "Right ."),
    (2, "{laugh} {laugh}"),
    (0, "Anything else?"),
    (3, "No. Thank you."),
    (1, "Goodbye ."),
]
LABELS = {
    "names": ["Dana Voss", "Omar Haddad", "Li Wei", "Ben Ray"],
    "small letters": ["dana", "omar", "raj", "ben"],
    "roles": ["Interviewer", "Participant 1", "Participant 2", "P3"],
    "initials": ["I", "B", "C", "D"],
    "voices": ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "SPEAKER_03"],
    "occupations": ["Moderator", "Plumber", "Nurse", "Project Manager"],
    "ids": ["BOS_int_01", "BOS_se0_ag3_f_02", "BOS_se0_ag3_m_03", "BOS_misc_04"],
    "last first": ["Okafor, Tom", "Brandt, Ilse", "Nowak, Marek", "Lee, Ann"],
}


def clock(at: int) -> str:
    return f"0:{at:02}"


LAYOUTS: dict[str, Turn] = {
    "colon": lambda who, text, at: f"{who}: {text}\n",
    "colon without a blank": lambda who, text, at: f"{who}:{text}\n",
    "bracket": lambda who, text, at: f"[{who}] {text}\n",
    "bold": lambda who, text, at: f"**{who}:** {text}\n\n",
    "own line": lambda who, text, at: f"{who}\n{text}\n\n",
    "own line with a colon": lambda who, text, at: f"{who}:\n{text}\n\n",
    "heading": lambda who, text, at: f"### {who}\n{text}\n\n",
    "tab": lambda who, text, at: f"{who}\t{text}\n",
    "dash": lambda who, text, at: f"{who} - {text}\n",
    "time before": lambda who, text, at: f"[{clock(at)}] {who}: {text}\n",
    "time behind": lambda who, text, at: f"{who}  {clock(at)}\n{text}\n\n",
    "time in brackets": lambda who, text, at: f"{who} ({clock(at)}): {text}\n",
    "time below": lambda who, text, at: f"{who}\n{clock(at)}\n{text}\n\n",
    "columns": lambda who, text, at: f"00:{clock(at):>05}\t{who}\t{text}\n",
    "captions": lambda who, text, at: f"00:00:{at:02},000 --> 00:00:{at:02},900\n{who}: {text}\n\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", LABELS)
def test_the_same_turns_come_out_of_every_layout(kind: str, layout: str) -> None:
    labels, turn = LABELS[kind], LAYOUTS[layout]
    content = "".join(turn(labels[who], text, at) for at, (who, text) in enumerate(SPEECH, 1))
    reading = read(content)
    assert [(one.speaker, one.text) for one in reading.segments] == [
        (labels[who], text) for who, text in SPEECH
    ]
    assert reading.report.doubts == ()
