"""Names by their form: capitalised words that the English dictionary does not know.

A run of capitalised words is a name if one of them is no ordinary word, or is one that the
dictionary knows as a name too and that stands where ordinary words have no capital. Names of
months, languages, festivals and abbreviations are not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from personal_data.findings import Finding, Kind
from personal_data.ordinary import is_abbreviation, is_also_a_name, is_ordinary
from personal_data.tokens import Token
from personal_data.words import (
    COMPANY_WORDS,
    NO_NAMES,
    PARTICLES,
    PLACES,
    is_group,
)

_KNOWN: Final = 1.0
_TITLED: Final = 0.8
_FORM: Final = 0.5
_TITLE: Final = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Madam|Dame|Lord|Lady|Rev|Reverend|Father"
    r"|Sister|Pastor|Rabbi|Imam|Captain|Sergeant|Officer|Judge|Senator|President|Hon|Herr|Frau"
    r"|Monsieur|Madame|Mme|Señora?|Sra?|Signora?|mr|mrs|ms|dr)\.?(?=\s+(?P<name>[^\W\d_][\w'\u2019-]*))"
)
_LONGEST: Final = 7
_BROKEN: Final = 4
_NAME_WORD: Final = re.compile(r"[^\W\d_]+(?:['\-][^\W\d_]+)*")
_LOWER_WORD: Final = re.compile(r"(?<![\w.@/:])[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*(?![\w@/:]|\.\w)")


def known(text: str, names: Collection[str]) -> Iterator[Finding]:
    """The given names, whole and in their capitalised parts, wherever they stand as words.

    Labels that name nobody, such as "Speaker 2" and "Interviewer", are passed over. Where a text
    has no small letters, or no capitals, only names that are no ordinary words are found.
    """
    is_in_one_case = text.islower() or text.isupper()
    for name in sorted(_parts(names)):
        if is_in_one_case and all(is_ordinary(word) for word in name.split()):
            continue
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        for match in re.finditer(pattern, text, re.IGNORECASE if is_in_one_case else 0):
            yield Finding(match.start(), match.end(), Kind.PERSON, _KNOWN)


def _parts(names: Collection[str]) -> set[str]:
    """Full names, and what of them is a name alone: "Ann" and "Lee" of "Ann Lee" and "LEE, Ann"."""
    parts: set[str] = set()
    for name in names:
        words = [
            word.removesuffix("'s") for word in _NAME_WORD.findall(name.replace("\u2019", "'"))
        ]
        if not words or all(_raised(word.lower()) in NO_NAMES for word in words):
            continue
        parts.add(name.strip())
        parts |= {form for word in words if len(word) > 1 for form in _name_forms(word)}
    return parts


def _name_forms(word: str) -> Iterator[str]:
    """How a word of a known name stands in a text, if it is a name alone."""
    raised = _raised(word.lower())
    if word in NO_NAMES or raised in NO_NAMES:
        return
    if word[0].isupper():
        yield word
    # Labels often have one case throughout: then it does not tell names from other words.
    if (word.isupper() or word.islower()) and (is_also_a_name(raised) or not is_ordinary(word)):
        yield raised


def recased(text: str) -> str:
    """A text that is all in small letters, or all in capitals, with capitals where names are.

    Some recognisers of speech write no capitals, and some forms nothing else. Then the words that
    are no ordinary ones are given a capital, and the others none. Places stay the same; other texts
    do, too.
    """
    if text.isupper() and len(text.lower()) == len(text):
        text = text.lower()
    if not text.islower():
        return text
    return _LOWER_WORD.sub(
        lambda match: match[0] if is_ordinary(match[0]) else _raised(match[0]), text
    )


def _raised(word: str) -> str:
    raised = word[0].upper() + word[1:]
    return raised if len(raised) == len(word) else word


def titles(text: str) -> Iterator[Finding]:
    """Forms of address, and the name that follows each."""
    for match in _TITLE.finditer(text):
        name = match["name"]
        if name[0].islower():
            continue
        yield Finding(match.start(), match.end(), Kind.TITLE, _TITLED)
        yield Finding(match.start("name"), match.end("name"), Kind.PERSON, _TITLED)


def groups(found: Sequence[Token]) -> Iterator[Finding]:
    """Nationalities, religions and political groups."""
    for token in found:
        if token.is_word and is_group(token.text):
            yield Finding(token.start, token.end, Kind.NRP, 0.6)


def names(text: str, found: Sequence[Token]) -> Iterator[Finding]:
    """Runs of capitalised words that are names by their form."""
    for run in runs(text, found):
        if any(is_strong(token) for token in run) and not is_broken_off(text, run):
            yield Finding(run[0].start, run[-1].base_end, _kind(run), _FORM)


def is_broken_off(text: str, run: Sequence[Token]) -> bool:
    """Whether a run is the beginning of a word that somebody began again: "Wh- what"."""
    last = run[-1]
    after = text[last.end : last.end + 1]
    return len(run) == 1 and len(last.text) <= _BROKEN and after in {"-", "\u2013", "\u2014"}


def runs(text: str, found: Sequence[Token]) -> Iterator[list[Token]]:
    """The runs of capitalised words, without ordinary words at their ends."""
    run: list[Token] = []
    for token in found:
        if run and not _continues(text, run, token):
            yield from _trimmed(run)
            run = []
        if run or (token.is_word and token.is_capital):
            run.append(token)
    yield from _trimmed(run)


def is_strong(token: Token) -> bool:
    """Whether a word alone tells that the run it is in is a name."""
    word = token.base
    if not token.is_word or not token.is_capital or word in NO_NAMES:
        return False
    if len(word) == 1:
        return not word.isupper()  # a whole name in a script that has no capitals
    if is_group(word):
        return False
    if token.is_shouted:
        return not is_abbreviation(word) and not is_ordinary(word)
    if is_ordinary(word):
        is_genitive = token.base != token.text
        return (is_genitive or not token.opens) and is_also_a_name(word)
    return True


def _continues(text: str, run: list[Token], token: Token) -> bool:
    last = run[-1]
    between = text[last.end : token.start]
    if len(run) >= _LONGEST or between not in {"", " "} or (token.opens and last.text != "."):
        return False
    if token.text in ".&" or last.text == "&":
        return (token.text == "." and len(last.text) <= 2 and not between) or (  # noqa: PLR2004 - "H.", "Jr."
            token.text != "." and between == " "
        )
    if last.text == "." or not between:
        return token.is_word and token.is_capital and between == " "
    if token.text.lower() in PARTICLES:
        return True
    return token.is_word and token.is_capital


def _trimmed(run: list[Token]) -> Iterator[list[Token]]:
    """A run without what cannot be the first or last word of a name."""
    first, last = 0, len(run)
    while first < last and _is_no_start(run[first]):
        first += 1
    while last > first and not (run[last - 1].is_word and run[last - 1].is_capital):
        last -= 1
    if first < last:
        yield run[first:last]


def _is_no_start(token: Token) -> bool:
    word = token.base
    if not token.is_capital or word in NO_NAMES:
        return True
    return token.opens and len(word) > 1 and is_ordinary(word) and not is_also_a_name(word)


def _kind(run: Sequence[Token]) -> Kind:
    words = [token.text for token in run if token.is_word]
    if any(word in COMPANY_WORDS for word in words):
        return Kind.ORGANIZATION
    if " ".join(words) in PLACES or words[-1] in PLACES:
        return Kind.GPE
    return Kind.PERSON
