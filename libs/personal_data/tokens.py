"""Split a text into words, numbers and marks, with capitals and sentence starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*|\d+|[^\w\s]|_|\w")
_OPENERS: Final = frozenset('.!?:;"«»¿¡(){}[]<>•|/*#-\u2026\u201c\u201d\u2018\u2019\u2013\u2014')


@dataclass(frozen=True, slots=True)
class TextToken:
    """Token of a text: a word, a number or a punctuation mark, with its position.

    Attributes:
        text: its characters.
        start: its first code point in the text.
        opens: whether it begins a sentence, a line or a quotation, where any word has a capital.
    """

    text: str
    start: int
    opens: bool

    @property
    def end(self) -> int:
        """The code point after its last."""
        return self.start + len(self.text)

    @property
    def base(self) -> str:
        """Its characters without a genitive's ending."""
        return self.text.removesuffix("'s").removesuffix("\u2019s")

    @property
    def base_end(self) -> int:
        """The code point after the last of `base`."""
        return self.start + len(self.base)

    @property
    def is_word(self) -> bool:
        """Whether it is made of letters."""
        return self.text[0].isalpha()

    @property
    def is_number(self) -> bool:
        """Whether it is made of digits."""
        return self.text[0].isdigit()

    @property
    def is_capital(self) -> bool:
        """Whether it begins with a capital, or is in a script that has none."""
        first = self.text[0]
        return first.isupper() or first.istitle() or (first.isalpha() and not first.islower())

    @property
    def is_all_capitals(self) -> bool:
        """Whether it is written in capitals only, as abbreviations are."""
        return len(self.text) > 1 and self.text.isupper()


def split_into_tokens(text: str) -> list[TextToken]:
    """Split a text into tokens, in order."""
    found: list[TextToken] = []
    before = ""
    end = 0
    for match in _TOKEN.finditer(text):
        opens = not found or before in _OPENERS or "\n" in text[end : match.start()]
        # The dot of "H. Snider" or "Mr. Pálffy" ends no sentence.
        if before == "." and len(found) > 1 and found[-2].end == found[-1].start:
            opens = opens and not _is_abbreviation(found[-2].text)
        found.append(TextToken(match[0], match.start(), opens))
        before, end = match[0], match.end()
    return found


def _is_abbreviation(word: str) -> bool:
    return (len(word) == 1 and word.isupper() and word != "I") or word.lower() in {
        "mr", "mrs", "ms", "dr", "prof", "st", "rev", "hon", "sr", "jr", "capt", "sgt", "lt", "gen",
    }  # fmt: skip
