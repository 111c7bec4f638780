"""Look up ordinary English words, to distinguish names from them, in spylls' spelling dictionary.

A spelling dictionary knows which words are written with a capital only ("Murphy", "Kenosha") and
which also without ("frank", "rose"). A capitalised word whose lower form it does not know is a
name, or a word of another language, or a slip of the pen.
"""

from __future__ import annotations

import re
import warnings
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

_FILLER_WORDS: Final = """
    a i n't ah aha ahh alrighty argh aw aww ay aye bam bleh blah boo cause cos coz cuz dude duh
    eh ehm em er erm euh gee geez gosh gotcha gotta ha haha hah heh hey hm hmm hmmm huh hurray
    innit jeez kay kinda la lemme mhm mhmm mm mmh mmhm mmhmm mmm mmkay nah nay nope oh ohh okey
    ooh ooo oof oops ope ouch ow outta phew shh shoulda sorta tada til tsk ugh uh uhh uhm uhuh
    um umm whoa woah woo woulda wow wowed ya yah yay yea yeahs yep yo yup y'all email emails
    online offline website websites app apps blog blogs selfie podcasts wifi smartphone
    inaudible crosstalk foreign laughter bruh bro sis imma ima ima sheesh mister missus phd
    hella lotta whatcha gimme gotchu ain ya'll c'mon dunno godamn goddamn
"""
_FILLERS: Final = frozenset(_FILLER_WORDS.split())
"""Spoken sounds, words younger than the dictionary, and what transcribers put in brackets."""

_LONGEST_ABBREVIATION: Final = 4
_LONGEST_WORD: Final = 40
_NUMBERED: Final = re.compile(r".*\d.{4,}|\d{5,}.*", re.DOTALL)
_ENDINGS: Final = re.compile(r"'(?:s|d|ll|ve|re|m|a|t|em)$")
# "Pssh", "Hmmmm", "Sooo": no vowel, or a letter held.
_SOUND: Final = re.compile(r"[b-df-hj-np-tv-xz]{3,}|[a-z]*([a-z])\1\1[a-z]*")


@cache
def _open_dictionary() -> Any:
    from spylls.hunspell import Dictionary  # noqa: PLC0415 - loaded when it is first asked

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # spylls leaves its files to be closed
        return Dictionary.from_files(str(files("spylls") / "hunspell" / "data" / "en" / "en_US"))


@cache
def _list_entries() -> frozenset[str]:
    return frozenset(word.stem for word in _open_dictionary().dic.words)


def preload_dictionary() -> None:
    """Load the English dictionary now, so that the first lookup is fast."""
    _list_entries()


@lru_cache(maxsize=65_536)
def is_dictionary_word(word: str) -> bool:
    """Return whether a lower-case word is in the English dictionary."""
    lower = word.lower().replace("\u2019", "'")
    if lower in _FILLERS:
        return True
    base = _ENDINGS.sub("", lower).strip("'")
    if not base or base in _FILLERS or _SOUND.fullmatch(base):
        return True
    parts = base.split("-")
    if len(parts) > 1:
        return all(not part or is_dictionary_word(part) for part in parts)
    if len(base) > _LONGEST_WORD or _NUMBERED.fullmatch(base):
        return False  # the dictionary's rules for ordinals take exponential time on many digits
    # "Lunchin'" loses its last mark as often as its last letter.
    forms = (base, lower, f"{base}g" if base.endswith("in") else base)
    return any(_open_dictionary().lookup(form) for form in forms)


def is_filler_word(word: str) -> bool:
    """Return whether a word is a filler, such as "um"."""
    base = _ENDINGS.sub("", word.lower().replace("\u2019", "'"))
    return base in _FILLERS or _SOUND.fullmatch(base) is not None


@lru_cache(maxsize=65_536)
def is_name_in_dictionary(word: str) -> bool:
    """Return whether the English dictionary lists a capitalised word as a name, like "Frank"."""
    return word in _list_entries()


@lru_cache(maxsize=65_536)
def is_abbreviation(word: str) -> bool:
    """Return whether the English dictionary lists a capitalised word as an abbreviation."""
    return len(word) <= _LONGEST_ABBREVIATION or word in _list_entries()
