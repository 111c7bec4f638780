"""Interviews built to be as costly as possible: small to send, or 20 MB of text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from transcripts.limits import LIMITS

MAX_BYTES: Final = LIMITS.utf8_bytes
CUE: Final = "WEBVTT\n\n00:01.000 --> 00:02.000\n"


def _filled(unit: str, *, before: str = "", after: str = "") -> str:
    """Return as many units as fit into the largest transcript."""
    room = MAX_BYTES - len(before.encode()) - len(after.encode())
    return before + unit * (room // len(unit.encode())) + after


def _text(unit: str, *, before: str = "") -> str:
    """Return as many units as fit into the largest file of text."""
    return before + unit * ((LIMITS.text_characters - len(before)) // len(unit))


def _numbered(line: str, number: int, *, before: str = "") -> str:
    return before + "".join(line.format(n=n) for n in range(number))


def _rev(elements: str, *, monologues: int = 1) -> str:
    one = f'{{"speaker":0,"elements":[{elements}]}}'
    return f'{{"monologues":[{",".join([one] * monologues)}]}}'


def _words(number: int, **word: object) -> str:
    return ",".join([json.dumps({"type": "text", "value": "a ", **word})] * number)


def _stamp(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000"


def _cues(number: int, begin: Callable[[int], int], payload: str) -> str:
    cues = (f"{_stamp(begin(n))} --> {_stamp(begin(n) + 5)}\n{payload}\n\n" for n in range(number))
    return "WEBVTT\n\n" + "".join(cues)


HOSTILE: Final[dict[str, Callable[[], str]]] = {
    "many turns": lambda: _filled("A: x\nB: y\n"),
    "many labels": lambda: _numbered("Speaker {n}: x\n", 800_000),
    "labels that just fit": lambda: _numbered("Speaker {n}: x\nAnna: y\n", 12_000),
    "one endless line": lambda: _text("word ", before="Anna: "),
    "one endless word": lambda: _text("a", before="Anna: "),
    "a line of colons": lambda: _text(": ", before="Anna: "),
    "combining marks": lambda: _text("\u0301", before="Anna: a"),
    "marks out of order": lambda: "Anna: a" + "\u0301\u0323" * 500_000,
    "wide characters": lambda: _text("a", before="Anna: \U0001f600"),
    "zero-width characters": lambda: _filled("\u200b", before="Anna: a"),
    "deep JSON": lambda: _filled("[", before='{"monologues":'),
    "a huge number": lambda: _filled("9", before='{"monologues":', after="}"),
    "millions of nulls": lambda: _filled(
        "null,", before='{"monologues":[],"more":[', after="null]}"
    ),
    "millions of lists": lambda: _filled("[],", before='{"monologues":[],"more":[', after="0]}"),
    "millions of objects": lambda: _filled(
        '{"a":1},', before='{"monologues":[],"more":[', after="0]}"
    ),
    "millions of monologues": lambda: _filled(
        '{"elements":[]},', before='{"monologues":[', after='{"elements":[]}]}'
    ),
    "millions of segments": lambda: _filled("{},", before='{"text":"a","segments":[', after="{}]}"),
    "words of Rev": lambda: _rev(_words(MAX_BYTES // 60, ts=1.5, end_ts=1.75)),
    "monologues of one word": lambda: _rev(_words(1), monologues=MAX_BYTES // 70),
    "words of Amberscript": lambda: (
        '{"speakers":[],"segments":[{"speaker":"a","words":['
        + ",".join(['{"text":"a","start":1,"end":2}'] * (MAX_BYTES // 32))
        + "]}]}"
    ),
    "many cues": lambda: _cues(400_000, lambda n: n, "a"),
    "cues that just fit": lambda: _cues(9_000, lambda n: n, "<v Anna>a"),
    "overlapping cues": lambda: _cues(9_000, lambda n: 9_000 - n % 9_000, "<v Anna>a</v><v Bo>b"),
    "a huge NOTE": lambda: _text("note ", before="WEBVTT\n\nNOTE "),
    "entities": lambda: _text("&amp;", before=f"{CUE}Anna: "),
    "nested tags": lambda: f"{CUE}x" + "<v A><b><i>" * 100_000,
    "tags without an end": lambda: _text("<c.a ", before=f"{CUE}x"),
    "arrows": lambda: _text("--> ", before=CUE),
    "blank lines": lambda: _text("\n", before="Anna: a\n"),
}
"""What makes each of them; none is larger than a transcript may be."""
