"""Word documents (DOCX) as lines: paragraphs, and tables as rows with tabs.

Names that are set off by bold letters alone get the marks that Markdown has for bold, where the
document as a whole shows that they are names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

_TIME: Final = re.compile(r"\s*[\[(]?(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?[\])]?\s*")
_WORD: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_REMOVED: Final = ("del", "moveFrom", "sdtPr", "sdtEndPr", "smartTagPr", "customXmlPr")
_WRAPPERS: Final = ("ins", "moveTo", "sdt", "sdtContent", "smartTag", "customXml")
_LONGEST_NAME: Final = 60
_FEWEST: Final = 2
_MOST: Final = 0.5


def iter_docx_lines(document: Document) -> Iterator[str]:
    """Yield the text of a Word document's paragraphs and table rows, in order."""
    from docx.table import Table  # noqa: PLC0415 - loaded when the first document comes

    _accept_changes(document)
    blocks = list(document.iter_inner_content())
    heads = [None if isinstance(block, Table) else _bold_head(block) for block in blocks]
    texts = [block.text for block in blocks if not isinstance(block, Table)]
    names = _names(heads, sum(bool(text.strip()) for text in texts))
    for block, head in zip(blocks, heads, strict=True):
        if isinstance(block, Table):
            yield from (
                "\t".join(" ".join(cell.text.split()) for cell in row.cells) for row in block.rows
            )
        elif head is not None and head.strip() in names:
            start = len(_leading_time(block))
            yield (
                f"{block.text[:start]}**{head.strip()}** {block.text[start + len(head) :].lstrip()}"
            )
        else:
            yield block.text


def _accept_changes(document: Document) -> None:
    """Put what was inserted, or stands in controls, in its place; take out what was deleted."""
    body = document.element.body
    for name in _REMOVED:
        for element in list(body.iter(f"{_WORD}{name}")):
            element.getparent().remove(element)
    for name in _WRAPPERS:
        for element in list(body.iter(f"{_WORD}{name}")):
            parent = element.getparent()
            place = parent.index(element)
            parent.remove(element)
            parent[place:place] = list(element)


def _bold_head(paragraph: Paragraph) -> str | None:
    """The bold words that a paragraph begins with, if others follow and no mark stands between."""
    time = _leading_time(paragraph)
    runs = paragraph.runs[bool(time) :]
    head = "".join(run.text for run in takewhile(lambda run: bool(run.bold), runs))
    rest = paragraph.text[len(time) + len(head) :]
    short = 0 < len(head.strip()) <= _LONGEST_NAME
    if not short or not paragraph.text.startswith(time + head) or not rest.strip():
        return None
    marked = head.rstrip()[-1:] in ":.?!" or rest.lstrip()[:1] in ":-\u2013—,.)"
    return None if marked or "\t" in rest[:1] or "\n" in head else head


def _leading_time(paragraph: Paragraph) -> str:
    """The time that a paragraph's first run is, if it is nothing else and not bold; else ""."""
    first = next(iter(paragraph.runs), None)
    is_time = first is not None and not first.bold and _TIME.fullmatch(first.text)
    return first.text if first is not None and is_time else ""


def _names(heads: list[str | None], paragraphs: int) -> frozenset[str]:
    """Bold heads that recur and begin a good part of the paragraphs; none if they do not."""
    counts = Counter(head.strip() for head in heads if head is not None)
    again = {name for name, count in counts.items() if count >= _FEWEST}
    if len(counts) < _FEWEST or not again or counts.total() < _MOST * paragraphs:
        return frozenset()
    return frozenset(counts)
