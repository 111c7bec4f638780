"""Macros that a LaTeX document defines itself, and the arguments of commands."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from transcripts.limits import check_item_count

COMMAND: Final = re.compile(r"\\([A-Za-z]+)\*?")
"""A command's name, behind its backslash."""

_DEFINITION: Final = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareRobustCommand)\*?\s*\{?\\([A-Za-z]+)\}?"
    r"\s*(?:\[(\d)\])?(?:\[[^\[\]]*\])?\s*(?=\{)|\\def\\([A-Za-z]+)\s*(?=\{)"
)


_BLANKS: Final = re.compile(r"\s{0,200}")
_BRACES: Final = re.compile(r"[{}]")
_BRACKETS: Final = re.compile(r"[\[\]]")
_DEEPEST: Final = 20
"""Braces within braces; beyond it an argument is taken to have no end."""


class Macro(NamedTuple):
    """LaTeX macro: the number of its arguments, and its body, which names them `#1`, `#2`."""

    arguments: int
    body: str


def extract_macro_definitions(text: str) -> tuple[dict[str, Macro], str]:
    """Extract macro definitions from LaTeX; return macros by name, and the text without them."""
    macros: dict[str, Macro] = {}
    kept: list[str] = []
    begin = 0
    for match in _DEFINITION.finditer(text):
        if match.start() < begin:
            continue
        body, end = parse_braced_argument(text, match.end())
        if body is not None:
            macros[match[1] or match[3]] = Macro(int(match[2] or 0), body)
            kept.append(text[begin : match.start()])
            begin = end
    return macros, "".join(kept) + text[begin:]


def parse_braced_argument(text: str, at: int, *, square: bool = False) -> tuple[str | None, int]:
    """Parse a LaTeX argument in braces; return its content, or None, and its end position.

    Args:
        text: the document.
        at: where the braces are to begin, perhaps behind blanks.
        square: brackets are looked for in place of braces.
    """
    opening, marks = ("[", _BRACKETS) if square else ("{", _BRACES)
    start = _BLANKS.match(text, at).end()  # type: ignore[union-attr] # it matches nothing, too
    if text[start : start + 1] != opening:
        return None, at
    depth = 0
    for mark in marks.finditer(text, start):
        depth += 1 if mark[0] == opening else -1
        if not depth:
            return text[start + 1 : mark.start()], mark.end()
        if depth > _DEEPEST:
            break
    return None, at


def expand_macros(text: str, macros: dict[str, Macro], most: int) -> str:
    """Replace each macro in a LaTeX text by its body; macros within bodies are not replaced.

    Args:
        text: the document.
        macros: by their names.
        most: characters that bodies may add.

    Raises:
        TooLargeTranscriptError: they add more.
    """
    made: list[str] = []
    begin = added = 0
    for match in COMMAND.finditer(text):
        macro = macros.get(match[1])
        if macro is None or match.start() < begin:
            continue
        body, end = macro.body, match.end()
        for number in range(1, macro.arguments + 1):
            value, end = parse_braced_argument(text, end)
            body = body.replace(f"#{number}", value or "")
        added += len(body)
        check_item_count(added, most, "characters of LaTeX")
        made += [text[begin : match.start()], body, "" if text[end : end + 1].isspace() else " "]
        begin = end
    return "".join(made) + text[begin:]
