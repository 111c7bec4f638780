"""Encodings of one byte a letter that hold an alphabet other than the Latin one.

The bytes of such a text are letters in all of these encodings. In the right one they are the
letters that are frequent in every text of that language; in others they are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# The letters that make up about two thirds of a text, by the alphabet.
_CYRILLIC: Final = "оеаинтсрвлкмдпуя"
_FREQUENT: Final[Mapping[str, str]] = {
    "cp1251": _CYRILLIC + "іїє",
    "koi8-r": _CYRILLIC,
    "cp1253": "αοιετσνηυρπκμλςάόίέή",
    "cp1255": "יוהלאמרבשתנ",
    "cp1256": "اليمنوتربهعدأ",
    "mac_cyrillic": _CYRILLIC,
    "iso8859_5": _CYRILLIC,
    "cp866": _CYRILLIC,
}
_FEWEST_LETTERS: Final = 20
_FEWEST_SHARE: Final = 0.25
"""Share of bytes that are no ASCII, below which a text is in the Latin alphabet."""
_FREQUENT_SHARE: Final = 0.55
_LOOKED_AT: Final = 64 * 1024


def guess_alphabet_encoding(data: bytes) -> str | None:
    """Guess the encoding of bytes by how plausible the decoded letters are; None if unclear.

    Args:
        data: a text that is no UTF-8.
    """
    beginning = data[:_LOOKED_AT]
    high = sum(byte >= 0x80 for byte in beginning)  # noqa: PLR2004 - beyond ASCII
    if high < _FEWEST_LETTERS or high < _FEWEST_SHARE * len(beginning):
        return None
    shares = {encoding: _frequent_share(beginning, encoding) for encoding in _FREQUENT}
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] >= _FREQUENT_SHARE else None


def _frequent_share(data: bytes, encoding: str) -> float:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    others = [one for one in text if not one.isascii()]
    return sum(one in _FREQUENT[encoding] for one in others) / len(others) if others else 0.0
