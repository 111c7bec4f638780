"""Read number words and figures: "a hundred and fifty", "two and a half", "$1.2", "3:30", "40k".

Only the value is read here; what it counts is read in ``grounding.numbers.quantities``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from typing import Final

from grounding.numbers.units import (
    DECADES,
    FOLD,
    FRACTIONS,
    ORDINAL_ENDINGS,
    ORDINALS,
    SCALES,
    SUFFIXES,
    TEENS,
    TENS,
    TIMES,
    UNIT_WORDS,
    UNITS,
)
from grounding.text.words import Word

# Traps are off because a transcript may hold any digits: too many of them round, none raise.
ARITHMETIC: Final = Context(prec=40, traps=[])

_FIGURE = re.compile(r"(?P<digits>\d+(?:[.,:]\d+)*)(?P<suffix>[^\W\d_]*)(?:'\w*)?")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PAUSE = re.compile(r"[\s'\u2018\u2019-]*")
_HUNDRED = 100
_LARGEST_WHOLE = 1000
_LONGEST_COUNT = 4
_APOSTROPHES = frozenset("'\u2018\u2019\u02bc")
_SHORT_YEAR = re.compile(r"\d\d")
_TWO_DIGITS = range(10, 100)

_KINDS: Final[dict[str, tuple[str, int]]] = {
    **{name: ("unit", value) for name, value in UNIT_WORDS.items()},
    **{name: ("teen", value) for name, value in TEENS.items()},
    **{name: ("ten", value) for name, value in TENS.items()},
    **{name: ("scale", value) for name, value in SCALES.items()},
    "couple": ("unit", 2),
    "hundred": ("hundred", 100),
}
_FIRST_WORDS: Final = frozenset({"halved", "half", "a", "an", "one", "of"}).union(
    TIMES, FOLD, DECADES, ORDINALS, _KINDS
)
"""Words that a number in words may begin with; "of" goes on where "couple" stands before."""
_MAY_FOLLOW: Final[dict[str, frozenset[str]]] = {
    "unit": frozenset({"", "ten", "hundred", "scale"}),
    "teen": frozenset({"", "hundred", "scale"}),
    "ten": frozenset({"", "hundred", "scale"}),
    "hundred": frozenset({"", "unit", "teen", "ten", "figure"}),
    "scale": frozenset({"", "unit", "teen", "ten", "figure", "hundred"}),
}


@dataclass(frozen=True, slots=True)
class Numeral:
    """Number parsed from words or digits, such as "forty-two".

    Attributes:
        values: its possible values: "three thirty" may be 330 only, "a third" 3 or 1/3.
        end: index of the word after it.
        suffix: letters written to the figure that are no part of the value ("40min").
        is_ordinal: whether it is a position ("third") and not an amount.
        is_decade: whether it is a decade ("nineties", "1990s").
        is_part: whether it is a part of a whole ("two thirds", "2/3", "one in four").
        parts: its halves, where two number words in a row were read as one ("forty fifty").
    """

    values: frozenset[Decimal]
    end: int
    suffix: str = ""
    is_ordinal: bool = False
    is_decade: bool = False
    is_part: bool = False
    parts: tuple[Numeral, ...] = ()


@dataclass(slots=True)
class _NumeralSum:
    """A sum of number words: ``total`` has finished groups of thousands, ``group`` the rest."""

    total: Decimal = Decimal(0)
    group: Decimal = Decimal(0)
    kind: str = ""
    last: Decimal = field(default_factory=Decimal)

    def takes(self, kind: str) -> bool:
        """Return whether a number word of this kind can go on the number."""
        return self.kind in _MAY_FOLLOW[kind] and (kind != "hundred" or self.group < _HUNDRED)

    def add(self, kind: str, value: Decimal) -> None:
        """Add one more number word."""
        one = Decimal(1)
        if kind == "hundred":
            self.group = ARITHMETIC.multiply(self.group if self.kind else one, value)
        elif kind == "scale":
            scaled = ARITHMETIC.multiply(self.group if self.kind else one, value)
            self.total, self.group = ARITHMETIC.add(self.total, scaled), Decimal(0)
        else:
            self.group = ARITHMETIC.add(self.group, value)
        self.kind = kind

    @property
    def value(self) -> Decimal:
        """The value of the number words so far."""
        return ARITHMETIC.add(self.total, self.group)


def may_begin_numeral(word: str) -> bool:
    """Return whether a number, or "a" with a unit, may begin with a word; most words cannot."""
    return word in _FIRST_WORDS or word[:1].isnumeric()


def parse_numeral(words: Sequence[Word], at: int, *, across_pauses: bool = False) -> Numeral | None:
    """Parse the longest number that begins at a position in a list of words; None if none does.

    Args:
        words: a text's words.
        at: index of the first word to read.
        across_pauses: read on over commas and the like, as in "twenty, five".
    """
    text = words[at].text
    if not may_begin_numeral(text):
        return None  # reading on would take a dozen looks at each
    if text in TIMES or text in FOLD:
        return Numeral(frozenset({Decimal(TIMES.get(text) or FOLD[text])}), at + 1)
    if text == "halved":
        return Numeral(frozenset({_divide(1, 2)}), at + 1, is_part=True)
    if text in DECADES:
        return _build_decade(Decimal(DECADES[text]), at + 1)
    reader = _NumeralReader(words, across_pauses=across_pauses)
    return reader.fraction(at) or reader.share(at) or reader.ordinal(at) or reader.number(at)


class _NumeralReader:
    def __init__(self, words: Sequence[Word], *, across_pauses: bool) -> None:
        self._words = words
        self._across = across_pauses

    def _text(self, at: int, before: int) -> str:
        """Return the word ``at``, or "" if a pause separates it from the one before."""
        if at >= len(self._words):
            return ""
        word = self._words[at]
        whole = at == before or self._across or _PAUSE.fullmatch(word.before)
        return word.text if whole else ""

    def number(self, at: int) -> Numeral | None:
        first = self._figure(at) or self._pointed(at) or self._pair(at)
        return None if first is None else self._and_a_half(first)

    def _pair(self, at: int) -> Numeral | None:
        """Read two numbers that are spoken as one: "nineteen ninety-eight", "three thirty"."""
        first = self._cardinal(at)
        if first is None or first.end == at:
            return first
        second = self._second_half(first.end)
        (high,) = first.values
        if second is None or not 1 <= high < _HUNDRED or self._words[at].text in SCALES:
            return first
        (low,) = second.values
        value = ARITHMETIC.add(ARITHMETIC.multiply(high, Decimal(_HUNDRED)), low)
        return Numeral(frozenset({value}), second.end, parts=(first, second))

    def _pointed(self, at: int) -> Numeral | None:
        """Read "one point two five", with its digits spoken one by one."""
        whole = self._cardinal(at)
        if whole is None or self._text(whole.end, -1) != "point":
            return None
        end, digits = whole.end + 1, ""
        while (text := self._text(end, -1)) in UNIT_WORDS:
            digits += str(UNIT_WORDS[text])
            end += 1
        if not digits:
            return None
        (value,) = whole.values
        fraction = ARITHMETIC.create_decimal(f"0.{digits}")
        return self._scaled(Numeral(frozenset({ARITHMETIC.add(value, fraction)}), end))

    def _second_half(self, at: int) -> Numeral | None:
        text = self._text(at, -1)
        if text in {"oh", "o"} and self._text(at + 1, -1) in UNIT_WORDS:
            value = Decimal(UNIT_WORDS[self._text(at + 1, -1)])
            return Numeral(frozenset({value}), at + 2)
        second = self._cardinal(at) if text in TEENS or text in TENS else None
        return second if second and min(second.values) in _TWO_DIGITS else None

    def _cardinal(self, at: int) -> Numeral | None:
        so_far, end = _NumeralSum(), at
        index = at
        if self._text(at, at) in {"a", "an"} and self._counts(at + 1):
            so_far.group, so_far.kind, index = Decimal(1), "unit", at + 1
        return self._added(so_far, index, end, at)

    def _counts(self, at: int) -> bool:
        return self._text(at, -1) in SCALES.keys() | {"hundred", "couple"}

    def _added(self, so_far: _NumeralSum, index: int, end: int, at: int) -> Numeral | None:
        while text := self._text(index, at):
            if text == "couple" and so_far.kind == "unit" and index == at + 1:
                so_far = _NumeralSum()
            if text == "and" and self._goes_on_after_and(so_far, index, at):
                index += 1
                continue
            if text == "of" and self._words[index - 1].text == "couple" and self._counts(index + 1):
                index += 1
                continue
            if text not in _KINDS or not so_far.takes(_KINDS[text][0]):
                break
            kind, value = _KINDS[text]
            so_far.add(kind, Decimal(value))
            index = end = index + 1
        return None if end == at else Numeral(frozenset({so_far.value}), end)

    def _goes_on_after_and(self, so_far: _NumeralSum, index: int, at: int) -> bool:
        """Whether "and" goes on: in "a hundred and fifty", not in "between one hundred and two"."""
        following = self._text(index + 1, at)
        small = following in UNIT_WORDS or following in TEENS or following in TENS
        anew = self._text(index + 2, at) == "hundred" or (
            at > 0 and self._words[at - 1].text == "between"
        )
        return so_far.kind in {"hundred", "scale"} and small and not anew

    def _figure(self, at: int) -> Numeral | None:
        text = self._words[at].text
        if len(text) == 1 and not text.isdigit() and text.isnumeric():
            return Numeral(frozenset({_parse_numeric_character(text)}), at + 1)
        match = _FIGURE.fullmatch(text)
        if match is None:
            return None
        if self._words[at].before[-1:] in _APOSTROPHES and _SHORT_YEAR.fullmatch(text):
            return _build_short_year(Decimal(text), at + 1)
        value, suffix = _parse_figure(match["digits"]), match["suffix"]
        if suffix in SUFFIXES:
            value, suffix = ARITHMETIC.multiply(value, Decimal(SUFFIXES[suffix])), ""
        elif len(suffix) == 1 and suffix.isnumeric():
            value, suffix = ARITHMETIC.add(value, _parse_numeric_character(suffix)), ""
        if suffix == "s":
            return _build_decade(value, at + 1)
        if suffix:
            return Numeral(frozenset({value}), at + 1, suffix, suffix in ORDINAL_ENDINGS)
        return self._added(_NumeralSum(group=value, kind="figure"), at + 1, at + 1, at)

    def ordinal(self, at: int) -> Numeral | None:
        """Read a position: "third", "twenty-first"."""
        text = self._text(at, at)
        if text in ORDINALS:
            return Numeral(frozenset({Decimal(ORDINALS[text])}), at + 1, is_ordinal=True)
        last = self._text(at + 1, -1)
        if text in TENS and ORDINALS.get(last, _HUNDRED) < _TWO_DIGITS.start:
            value = Decimal(TENS[text] + ORDINALS[last])
            return Numeral(frozenset({value}), at + 2, is_ordinal=True)
        return None

    def fraction(self, at: int) -> Numeral | None:
        """Read a part: "half", "two thirds", "three quarters", "half a dozen"."""
        text, following = self._text(at, at), self._text(at + 1, -1)
        if text == "half":
            return self._half(at)
        if text in {"a", "an", "one"} and following in FRACTIONS:
            part = self._of_a_scale(_divide(1, FRACTIONS[following]), at + 2)
            if part.is_part and following in ORDINALS:
                return replace(part, values=part.values | {Decimal(ORDINALS[following])})
            return part
        count = UNIT_WORDS.get(text, TEENS.get(text))
        if count and following.endswith("s") and following in FRACTIONS:
            return self._of_a_scale(_divide(count, FRACTIONS[following]), at + 2)
        return None

    def share(self, at: int) -> Numeral | None:
        """Read a part that is given by two numbers: "2/3", "one in four", "nine out of ten"."""
        part = self._count(at)
        if part is None:
            return None
        slashed = part.end < len(self._words) and self._words[part.end].before == "/"
        joined = 0 if slashed else self._joined(part.end)
        if joined is None:
            return None
        whole = self._count(part.end + joined)
        if whole is None or self._text(whole.end, -1) in UNITS:
            return None
        (few,), (many,) = part.values, whole.values
        if not 0 < few < many <= _LARGEST_WHOLE:
            return None
        value = ARITHMETIC.divide(few, many)
        said = () if slashed and self._text(whole.end, -1) == "of" else (part, whole)
        return Numeral(frozenset({value}), whole.end, is_part=True, parts=said)

    def _count(self, at: int) -> Numeral | None:
        """Read a plain whole number of one word."""
        text = self._words[at].text if at < len(self._words) else ""
        value = UNIT_WORDS.get(text, TEENS.get(text, TENS.get(text)))
        if value is None and text.isdecimal() and len(text) <= _LONGEST_COUNT:
            value = int(text)
        value = _HUNDRED if text == "hundred" else value
        return None if value is None else Numeral(frozenset({Decimal(value)}), at + 1)

    def _joined(self, at: int) -> int | None:
        """Return how many words join part and whole, or None if none do."""
        texts = [self._text(at + step, -1) for step in range(3)]
        if texts[:2] == ["out", "of"]:
            return 3 if texts[2] in {"a", "every"} else 2
        if texts[0] == "in":
            return 2 if texts[1] in {"a", "every"} else 1
        return None

    def _half(self, at: int) -> Numeral:
        end = at + 2 if self._text(at + 1, -1) in {"a", "an"} else at + 1
        return self._of_a_scale(_divide(1, 2), end)

    def _of_a_scale(self, value: Decimal, end: int) -> Numeral:
        """Return a part, or the number that it makes: "a quarter of a million"."""
        of = self._text(end, -1) == "of" and self._text(end + 1, -1) in {"a", "one"}
        scale = end + 2 if of else end
        if self._text(scale, -1) in SCALES:
            scaled = ARITHMETIC.multiply(value, Decimal(SCALES[self._text(scale, -1)]))
            return Numeral(frozenset({scaled}), scale + 1)
        return Numeral(frozenset({value}), end, is_part=value < 1)

    def _and_a_half(self, number: Numeral) -> Numeral:
        extra = parse_added_fraction(self._words, number.end)
        if extra is None:
            return number
        last = SCALES.get(self._words[number.end - 1].text, 1)
        added = ARITHMETIC.multiply(extra[0], Decimal(last))  # a million and a half
        values = frozenset(ARITHMETIC.add(one, added) for one in number.values)
        return self._scaled(Numeral(values, extra[1]))

    def _scaled(self, number: Numeral) -> Numeral:
        scale = SCALES.get(self._text(number.end, -1))
        if scale is None:
            return number
        values = frozenset(ARITHMETIC.multiply(one, Decimal(scale)) for one in number.values)
        return Numeral(values, number.end + 1)


def parse_added_fraction(words: Sequence[Word], at: int) -> tuple[Decimal, int] | None:
    """Parse a fraction that follows a number, such as "and a half"; None if there is none."""
    texts = [word.text for word in words[at : at + 3]] + [""] * 3
    if texts[0] != "and":
        return None
    if texts[1] in {"a", "one"} and texts[2] in {"half", "quarter"}:
        return _divide(1, FRACTIONS[texts[2]]), at + 3
    if texts[1] == "half":
        return _divide(1, 2), at + 2
    if texts[1] == "three" and texts[2] == "quarters":
        return _divide(3, 4), at + 3
    return None


def _build_decade(value: Decimal, end: int) -> Numeral:
    """Return a decade with both its values: the nineties are the 90s and the 1990s."""
    century = Decimal(1900)
    other = value + century if value < _HUNDRED else ARITHMETIC.remainder(value, Decimal(100))
    return Numeral(frozenset({value, other}), end, is_decade=True)


def _build_short_year(value: Decimal, end: int) -> Numeral:
    """Return a year of two digits, as in '62, with the years that it may be."""
    centuries = (Decimal(0), Decimal(1900), Decimal(2000))
    return Numeral(frozenset(ARITHMETIC.add(value, one) for one in centuries), end)


def _divide(part: int, whole: int) -> Decimal:
    return ARITHMETIC.divide(Decimal(part), Decimal(whole))


def _parse_numeric_character(character: str) -> Decimal:
    return ARITHMETIC.create_decimal(str(round(unicodedata.numeric(character), 6)))


def _parse_figure(digits: str) -> Decimal:
    """Return a figure's value: commas group thousands, a colon separates hours (3:30)."""
    if _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    if digits.count(",") == 1 and not set(".:") & set(digits):
        digits = digits.replace(",", ".")
    if digits.count(".") > 1 or "," in digits or ":" in digits:
        digits = re.sub(r"\D", "", digits)
    return ARITHMETIC.create_decimal(digits)
