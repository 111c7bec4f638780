"""What LaTeX's commands print, as plain text: signs, headings, labels of items and speakers."""

from __future__ import annotations

import re
from typing import Final

from contracts.transcript import Role
from transcripts.plain_text.latex_macros import COMMAND, parse_braced_argument
from transcripts.speakers.roles import infer_role

_BARE: Final = frozenset(
    {"noindent", "indent", "par", "newpage", "clearpage", "maketitle", "tableofcontents",
     "centering", "hfill", "vfill", "bigskip", "medskip", "smallskip", "newline", "linebreak",
     "pagebreak", "break", "raggedright", "small", "large", "Large", "normalsize",
     "footnotesize", "itshape", "bfseries", "scshape", "upshape", "mdseries", "relax", "null",
     "linenumbers", "doublespacing", "quad", "qquad", "protect", "appendix", "em", "it", "bf",
     "sc", "rm", "sf", "tt", "hline", "toprule", "bottomrule", "midrule", "onehalfspacing",
     "singlespacing", "sloppy", "frenchspacing", "xspace", "selectfont"}
)  # fmt: skip
"""Commands that print nothing."""
_SHOWN: Final = frozenset(
    {"textit", "emph", "textsc", "texttt", "underline", "textsf", "textrm", "textup", "text",
     "mbox", "textmd", "textsl", "uline", "uppercase", "MakeUppercase", "foreignlanguage", "hl",
     "sout", "href", "textcolor", "colorbox", "fbox", "hbox"}
)  # fmt: skip
"""Commands that print their last argument."""
_TWO_ARGUMENTS: Final = frozenset({"foreignlanguage", "href", "textcolor", "colorbox"})
_SET_ASIDE: Final = frozenset(
    {"footnote", "footnotetext", "marginpar", "label", "ref", "cite", "index", "vspace",
     "hspace", "setlength", "pagestyle", "thispagestyle", "title", "author", "date",
     "usepackage", "input", "include", "includegraphics", "pagenumbering", "markboth",
     "phantomsection", "todo", "fontsize", "setcounter", "addtocounter", "bibliography",
     "bibliographystyle", "thanks", "caption", "color", "documentclass", "hypersetup",
     "geometry", "selectlanguage", "linespread", "rule", "vskip", "setstretch",
     "addcontentsline"}
)  # fmt: skip
"""Commands whose arguments nobody says."""
_HEADINGS: Final = frozenset({"part", "chapter", "section", "subsection", "subsubsection"})
_SPEAKERS: Final = frozenset({"speak", "speaker", "speaks", "speakername", "speech", "persona"})
"""Commands of packages for dialogues and plays, whose argument is who speaks."""
_QUOTED: Final = {"enquote": ("\u201c", "\u201d"), "textquote": ("\u201c", "\u201d")}
_SIGNS: Final = {
    "ldots": "…", "dots": "…", "textellipsis": "…", "ss": "ß", "o": "ø", "O": "Ø", "ae": "æ",
    "AE": "Æ", "oe": "œ", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "textendash": "\u2013",
    "textemdash": "—", "textquoteleft": "\u2018", "textquoteright": "\u2019", "euro": "€",
    "textquotedblleft": "\u201c", "textquotedblright": "\u201d", "pounds": "£", "copyright": "©",
    "textbackslash": "\\", "slash": "/", "textdegree": "°", "degree": "°", "i": "i", "j": "j",
    "guillemotleft": "«", "guillemotright": "»", "og": "«", "fg": "»", "LaTeX": "LaTeX",
    "TeX": "TeX", "S": "§", "glqq": "„", "grqq": "\u201c", "texteuro": "€", "textunderscore": "_",
}  # fmt: skip
_AFTER_SIGN: Final = re.compile(r"(?:\{\}|\s(?=\S))?")
_LABEL_WORDS: Final = 8


def replace_latex_commands(text: str) -> str:
    """Replace LaTeX commands in a text by the plain text that they print.

    Commands that are not known stay as they are.
    """
    made: list[str] = []
    begin = 0
    for match in COMMAND.finditer(text):
        if match.start() < begin:
            continue
        before = "".join(made[-2:]) + text[begin : match.start()]
        shown, end = _print(text, match, at_begin=not before.rpartition("\n")[2].strip())
        made += [text[begin : match.start()], shown]
        begin = end
    return "".join(made) + text[begin:]


def _print(text: str, match: re.Match[str], *, at_begin: bool) -> tuple[str, int]:
    """What a command prints, and where it and its arguments end."""
    name, end = match[1], match.end()
    if name == "item":
        label, end = parse_braced_argument(text, end, square=True)
        return (f"\n\n{_label(label)} " if label else "\n\n"), end
    if name in _SIGNS:
        return _SIGNS[name], end + len(_AFTER_SIGN.match(text[end : end + 2])[0])  # type: ignore[index] # it matches nothing, too
    if name in _BARE:
        return "\n\n" if name in {"par", "newline"} else "", end
    end = _skip_options(text, end)
    if name in _SET_ASIDE:
        return "", _skip_arguments(text, end)
    if name in _TWO_ARGUMENTS:
        _, end = parse_braced_argument(text, end)
    value, after = parse_braced_argument(text, end)
    shown = None if value is None else _print_argument(name, value, at_begin=at_begin)
    return (f"{match[0]}{text[match.end() : after]}" if shown is None else shown), after


def _skip_options(text: str, at: int) -> int:
    while text[at : at + 1] == "[":
        option, after = parse_braced_argument(text, at, square=True)
        if option is None:
            break
        at = after
    return at


def _skip_arguments(text: str, at: int) -> int:
    value: str | None = ""
    while value is not None:
        value, at = parse_braced_argument(text, at)
    return at


def _print_argument(name: str, value: str, *, at_begin: bool) -> str | None:
    """What a command prints of its argument; None if the command is not known."""
    if name in _SPEAKERS:
        return f"\n\n{_label(value)} "
    shown = replace_latex_commands(value)
    if name in _HEADINGS:
        return f"\n\n## {shown}\n\n"
    if name == "textbf":
        is_label = len(shown.split()) <= _LABEL_WORDS or shown.endswith("?")
        return f"**{shown}**" if at_begin and is_label else shown
    if name in _QUOTED:
        return f"{_QUOTED[name][0]}{shown}{_QUOTED[name][1]}"
    if at_begin and infer_role(name) is not Role.UNKNOWN:
        return f"\n\n{name.capitalize()}: {shown}"
    return shown if name in _SHOWN else None


def _label(text: str) -> str:
    return f"{replace_latex_commands(text).replace('**', '').strip().rstrip(':').strip('{} ')}:"
