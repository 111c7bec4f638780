"""Interviews written in LaTeX: commands made plain text, then read as any plain text is.

Macros that the document defines itself are expanded; of others it is known what they do, or a
doubt names them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from contracts.transcript import Role, Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, TranscriptContent
from transcripts.limits import check_item_count
from transcripts.notices import Notices
from transcripts.plain_text.latex_commands import replace_latex_commands
from transcripts.plain_text.latex_macros import COMMAND, expand_macros, extract_macro_definitions
from transcripts.plain_text.reader import is_plain_transcript, read_plain_transcript
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.speakers.roles import infer_role

_HEAD: Final = 20_000
_BEGINS: Final = re.compile(r"^\s*\\(?:documentclass|begin\{document\})", re.MULTILINE)
_COMMENT: Final = re.compile(r"(?<!\\)%.*")
_DOCUMENT: Final = re.compile(r"\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", re.DOTALL)
_ENVIRONMENT: Final = re.compile(r"\\(begin|end)\{([A-Za-z]+)\*?\}(?:\[[^\[\]\n]*\])*")
_ACCENT: Final = re.compile(r"\\([\"'`^~=.]|[cvuHkr](?=\s*\{|\s+[A-Za-z]))\s*\{?\\?([A-Za-z])\}?")
_MARKS: Final = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304",
    ".": "\u0307", "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328",
    "r": "\u030a",
}  # fmt: skip
_ESCAPED: Final = re.compile(r"\\([%&$#_{}])")
_HIDDEN: Final = {sign: chr(0xE000 + at) for at, sign in enumerate("%&$#_{}")}
"""Stand-ins for signs that are escaped, until commands and braces are gone."""
_MOST_ROUNDS: Final = 5
_LONGEST: Final = 2_000_000
"""Characters of a document, its macros expanded: a book of 800 pages has as many."""
_LEFT: Final = "the LaTeX commands {} are not known: what they hold may be read wrongly"


def is_latex(content: TranscriptContent) -> bool:
    """Return whether a text is a LaTeX document that contains an interview."""
    if _BEGINS.search(content.text, 0, _HEAD) is None:
        return False
    return is_plain_transcript(content.derive(_convert))


def read_latex(
    content: TranscriptContent, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse an interview in LaTeX into passages, without footnotes and margin notes."""
    plain = content.derive(_convert)
    notes = len(re.findall(r"\\(?:footnote|marginpar|todo)\b", content.text))
    if notes:
        notices.guess(f"{notes:,} footnotes and notes at the margin were passed over")
    source = read_plain_transcript(plain, speakers, notices)
    left = sorted(set(COMMAND.findall(plain.text)))
    doubts = (_LEFT.format(", ".join(f"\\{one}" for one in left[:5])),) if left else ()
    return replace(
        source,
        passages=tuple(map(_without_bold, source.passages)),
        doubts=(*source.doubts, *doubts),
    )


def _without_bold(passage: SpokenPassage) -> SpokenPassage:
    pieces = tuple(one._replace(text=one.text.replace("**", "")) for one in passage.pieces)
    return passage._replace(pieces=pieces)


def _convert(text: str) -> TranscriptContent:
    """The plain text of a document."""
    text = _ESCAPED.sub(lambda match: _HIDDEN[match[1]], text.replace("\\\\", "\n\n"))
    text = _COMMENT.sub("", text)
    macros, text = extract_macro_definitions(text)
    body = _DOCUMENT.search(text)
    text = text if body is None else body[1]
    for _ in range(_MOST_ROUNDS):
        check_item_count(len(text), _LONGEST, "characters of LaTeX")
        expanded = expand_macros(text, macros, _LONGEST)
        if expanded == text:
            break
        text = expanded
    text = _ENVIRONMENT.sub(_environment, text)
    text = replace_latex_commands(_ACCENT.sub(lambda match: match[2] + _MARKS[match[1]], text))
    text = text.replace("``", "\u201c").replace("''", "\u201d").replace("~", " ")
    text = text.replace("---", "—").replace("--", "\u2013")
    text = re.sub(r"\\[,;:! /@-]", lambda match: "" if match[0][1] in "/@!-" else " ", text)
    text = re.sub(r"[{}]", "", text)
    for sign, hidden in _HIDDEN.items():
        text = text.replace(hidden, sign)
    return TranscriptContent("\n".join(line.strip() for line in text.split("\n")))


def _environment(match: re.Match[str]) -> str:
    """A role's environment begins with who speaks: `interviewer`; others print nothing."""
    if match[1] == "begin" and infer_role(match[2]) is not Role.UNKNOWN:
        return f"\n\n{match[2].capitalize()}: "
    return "\n\n"


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.LATEX,
        FormatFamily.TEXT,
        "LaTeX: lists, dialogues, bold names and macros of the document's own",
        is_latex,
        read_latex,
        "\\documentclass{article}\\begin{document}\n\\textbf{Odile:} How?\n\n"
        "\\textbf{Ravi:} With a ladder.\n\\end{document}\n",
        confidence=CERTAIN,
    ),
)
