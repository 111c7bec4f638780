"""The number words and units of measure that notes and interviews use (English).

Feet, inches, miles and gallons are the international ones; a gallon is the American.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class MeasurementUnit:
    """Unit of measurement, as a multiple of a base unit: an hour is 3,600 seconds."""

    base: str
    factor: Decimal = Decimal(1)


def _build_units(base: str, **names: str) -> dict[str, MeasurementUnit]:
    """Return the units of one base, each factor (``_`` for its decimal point) with its names."""
    return {
        name: MeasurementUnit(base, Decimal(factor.removeprefix("x").replace("_", ".")))
        for factor, listed in names.items()
        for name in listed.split()
    }


UNITS: Final[dict[str, MeasurementUnit]] = {
    **_build_units("dollar", x1="$ dollar dollars buck bucks usd", x0_01="cent cents ¢"),
    **_build_units("pound", x1="£ pound pounds quid gbp lb lbs"),
    **_build_units("euro", x1="€ euro euros eur"),
    **_build_units("yen", x1="¥ yen"),
    **_build_units("rupee", x1="₹ rupee rupees"),
    **_build_units("percent", x1="% percent pct percentage"),
    **_build_units("time", x1="second seconds sec secs", x60="minute minutes min mins"),
    **_build_units("time", x3600="hour hours hr hrs h", x86400="day days", x604800="week weeks"),
    **_build_units("time", x1209600="fortnight fortnights"),
    **_build_units("month", x1="month months", x12="year years yr yrs", x120="decade decades"),
    **_build_units("metre", x1="metre metres meter meters", x0_01="centimetre centimeter cm"),
    **_build_units("metre", x1000="kilometre kilometres kilometer kilometers km kms"),
    **_build_units("metre", x1609_344="mi mile miles", x0_0254="inch inches"),
    **_build_units("metre", x0_3048="foot feet ft", x0_9144="yard yards"),
    **_build_units("litre", x1="litre litres liter liters", x0_001="millilitre milliliter ml"),
    **_build_units("litre", x3_785="gallon gallons"),
    **_build_units("gram", x1="gram grams", x1000="kilo kilos kilogram kilograms kg kgs"),
    **_build_units("ounce", x1="ounce ounces oz"),
    **_build_units("byte", x1="gigabyte gigabytes gb gig gigs", x0_001="megabyte megabytes mb"),
    **_build_units("degree", x1="degree degrees °"),
    **_build_units("am", x1="am a.m"),
    **_build_units("pm", x1="pm p.m"),
}


def _number_words(names: str, *, start: int = 0, step: int = 1) -> dict[str, int]:
    """Return number words in order, with their values."""
    return {name: at * step for at, name in enumerate(names.split(), start=start)}


UNIT_WORDS: Final = _number_words("zero one two three four five six seven eight nine")
TEENS: Final = _number_words(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", start=10
)
TENS: Final = _number_words(
    "twenty thirty forty fifty sixty seventy eighty ninety", start=2, step=10
) | {"fourty": 40}
DECADES: Final = _number_words(
    "twenties thirties forties fifties sixties seventies eighties nineties", start=2, step=10
)
SCALES: Final = {
    "dozen": 12,
    "thousand": 10**3,
    "grand": 10**3,
    "million": 10**6,
    "mln": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
SUFFIXES: Final = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9}
ORDINALS: Final = (
    _number_words("first second third fourth fifth sixth seventh eighth ninth tenth", start=1)
    | _number_words("eleventh twelfth thirteenth fourteenth fifteenth sixteenth", start=11)
    | _number_words("seventeenth eighteenth nineteenth twentieth", start=17)
    | _number_words("thirtieth fortieth fiftieth sixtieth seventieth", start=3, step=10)
    | {"eightieth": 80, "ninetieth": 90, "hundredth": 100, "thousandth": 1000}
)
ORDINAL_ENDINGS: Final = frozenset({"st", "nd", "rd", "th"})
FRACTIONS: Final = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "thirds": 3,
    "quarter": 4,
    "quarters": 4,
    "fourths": 4,
    "fifth": 5,
    "fifths": 5,
    "sixth": 6,
    "sixths": 6,
    "eighth": 8,
    "eighths": 8,
    "tenth": 10,
    "tenths": 10,
}
NUMBER_WORDS: Final = frozenset(
    (*UNIT_WORDS, *TEENS, *TENS, *SCALES, *FRACTIONS, "hundred", "couple", "once", "twice")
)
TIMES: Final = {"once": 1, "twice": 2, "thrice": 3}
FOLD: Final = {
    "double": 2,
    "doubles": 2,
    "doubled": 2,
    "doubling": 2,
    "twofold": 2,
    "triple": 3,
    "triples": 3,
    "tripled": 3,
    "tripling": 3,
    "threefold": 3,
    "quadruple": 4,
    "quadrupled": 4,
    "fourfold": 4,
    "tenfold": 10,
}
"""How many times as much."""
PERIODS: Final[dict[str, MeasurementUnit]] = {
    "hourly": UNITS["hour"],
    "daily": UNITS["day"],
    "nightly": UNITS["day"],
    "weekly": UNITS["week"],
    "fortnightly": UNITS["fortnight"],
    "monthly": UNITS["month"],
    "quarterly": MeasurementUnit("month", Decimal(3)),
    "yearly": UNITS["year"],
    "annually": UNITS["year"],
}
"""Once in each of which: the adverbs."""
