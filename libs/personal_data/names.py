"""Find names by their form: capitalised words that the English dictionary does not know.

A run of capitalised words is a name if one of them is no ordinary word, or is one that the
dictionary knows as a name too and that stands where ordinary words have no capital. Names of
months, languages, festivals and abbreviations are not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from personal_data.dictionary import is_abbreviation, is_dictionary_word, is_name_in_dictionary
from personal_data.findings import PersonalDataKind, PersonalDataSpan
from personal_data.tokens import TextToken
from personal_data.word_lists import (
    COMPANY_WORDS,
    NO_NAMES,
    PARTICLES,
    PLACES,
    is_demographic_group,
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


def find_known_names(text: str, names: Collection[str]) -> Iterator[PersonalDataSpan]:
    """Find given names, such as those of an interview's speakers, in a text as whole words.

    Labels that name nobody, such as "Speaker 2" and "Interviewer", are passed over. Where a text
    has no small letters, or no capitals, only names that are no ordinary words are found.
    """
    is_in_one_case = text.islower() or text.isupper()
    for name in sorted(_list_name_parts(names)):
        if is_in_one_case and all(is_dictionary_word(word) for word in name.split()):
            continue
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        for match in re.finditer(pattern, text, re.IGNORECASE if is_in_one_case else 0):
            yield PersonalDataSpan(match.start(), match.end(), PersonalDataKind.PERSON, _KNOWN)


def _list_name_parts(names: Collection[str]) -> set[str]:
    """Return names and their parts that are names alone: "Ann" and "Lee" of "LEE, Ann"."""
    parts: set[str] = set()
    for name in names:
        words = [
            word.removesuffix("'s") for word in _NAME_WORD.findall(name.replace("\u2019", "'"))
        ]
        if not words or all(_capitalize(word.lower()) in NO_NAMES for word in words):
            continue
        parts.add(name.strip())
        parts |= {form for word in words if len(word) > 1 for form in _iter_name_forms(word)}
    return parts


def _iter_name_forms(word: str) -> Iterator[str]:
    """Yield the forms in which a word of a known name stands in a text."""
    raised = _capitalize(word.lower())
    if word in NO_NAMES or raised in NO_NAMES:
        return
    if word[0].isupper():
        yield word
    # Labels often have one case throughout: then it does not distinguish names from other words.
    if (word.isupper() or word.islower()) and (
        is_name_in_dictionary(raised) or not is_dictionary_word(word)
    ):
        yield raised


def restore_capitals(text: str) -> str:
    """Capitalise possible names in a text that is all upper or all lower case.

    Some recognisers of speech write no capitals, and some forms nothing else. Then the words that
    are no ordinary ones are given a capital, and the others none. Places stay the same; other texts
    do, too.
    """
    if text.isupper() and len(text.lower()) == len(text):
        text = text.lower()
    if not text.islower():
        return text
    return _LOWER_WORD.sub(
        lambda match: match[0] if is_dictionary_word(match[0]) else _capitalize(match[0]), text
    )


def _capitalize(word: str) -> str:
    raised = word[0].upper() + word[1:]
    return raised if len(raised) == len(word) else word


def find_titled_names(text: str) -> Iterator[PersonalDataSpan]:
    """Find titles such as "Mrs" in a text, each with the name that follows."""
    for match in _TITLE.finditer(text):
        name = match["name"]
        if name[0].islower():
            continue
        yield PersonalDataSpan(match.start(), match.end(), PersonalDataKind.TITLE, _TITLED)
        yield PersonalDataSpan(
            match.start("name"), match.end("name"), PersonalDataKind.PERSON, _TITLED
        )


def find_demographic_groups(found: Sequence[TextToken]) -> Iterator[PersonalDataSpan]:
    """Find nationalities, religions and political groups among a text's tokens."""
    for token in found:
        if token.is_word and is_demographic_group(token.text):
            yield PersonalDataSpan(token.start, token.end, PersonalDataKind.NRP, 0.6)


def find_capitalized_names(text: str, found: Sequence[TextToken]) -> Iterator[PersonalDataSpan]:
    """Find runs of capitalised words that look like names."""
    for run in iter_capitalized_runs(text, found):
        if any(is_distinctive_name(token) for token in run) and not is_interrupted_word(text, run):
            yield PersonalDataSpan(run[0].start, run[-1].base_end, _classify_run(run), _FORM)


def is_interrupted_word(text: str, run: Sequence[TextToken]) -> bool:
    """Return whether tokens are a word broken off and repeated, such as "Wh- what"."""
    last = run[-1]
    after = text[last.end : last.end + 1]
    return len(run) == 1 and len(last.text) <= _BROKEN and after in {"-", "\u2013", "\u2014"}


def iter_capitalized_runs(text: str, found: Sequence[TextToken]) -> Iterator[list[TextToken]]:
    """Yield runs of capitalised words, without the ordinary words at their ends."""
    run: list[TextToken] = []
    for token in found:
        if run and not _continues_run(text, run, token):
            yield from _trim_run(run)
            run = []
        if run or (token.is_word and token.is_capital):
            run.append(token)
    yield from _trim_run(run)


def is_distinctive_name(token: TextToken) -> bool:
    """Return whether a word, taken alone, is certainly part of a person's name."""
    word = token.base
    if not token.is_word or not token.is_capital or word in NO_NAMES:
        return False
    if len(word) == 1:
        return not word.isupper()  # a whole name in a script that has no capitals
    if is_demographic_group(word):
        return False
    if token.is_all_capitals:
        return not is_abbreviation(word) and not is_dictionary_word(word)
    if is_dictionary_word(word):
        is_genitive = token.base != token.text
        return (is_genitive or not token.opens) and is_name_in_dictionary(word)
    return True


def _continues_run(text: str, run: list[TextToken], token: TextToken) -> bool:
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


def _trim_run(run: list[TextToken]) -> Iterator[list[TextToken]]:
    """Yield a run without words that cannot be the first or last of a name."""
    first, last = 0, len(run)
    while first < last and _cannot_start_name(run[first]):
        first += 1
    while last > first and not (run[last - 1].is_word and run[last - 1].is_capital):
        last -= 1
    if first < last:
        yield run[first:last]


def _cannot_start_name(token: TextToken) -> bool:
    word = token.base
    if not token.is_capital or word in NO_NAMES:
        return True
    return (
        token.opens
        and len(word) > 1
        and is_dictionary_word(word)
        and not is_name_in_dictionary(word)
    )


def _classify_run(run: Sequence[TextToken]) -> PersonalDataKind:
    words = [token.text for token in run if token.is_word]
    if any(word in COMPANY_WORDS for word in words):
        return PersonalDataKind.ORGANIZATION
    if " ".join(words) in PLACES or words[-1] in PLACES:
        return PersonalDataKind.GPE
    return PersonalDataKind.PERSON
