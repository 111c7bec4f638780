"""Split a text into the terms that checks compare: contractions taken apart, names marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.syntax.polarity import MAX_SENTENCES, SENTENCE_END, is_clause_start
from grounding.text.lemmas import get_lemma
from grounding.text.words import FUNCTION_WORDS, Word, parse_word_list, split_spoken_words

_CLITICS: Final = {"'ll": "will", "'d": "would", "'ve": "have", "'re": "are", "'m": "am"}
_WHOLE: Final = {"can't": "can", "won't": "will", "shan't": "shall", "cannot": "can"}
_JOINED: Final = {"gonna": "will", "cause": "because"}
TITLES: Final = parse_word_list("mr mrs ms dr prof sir hon st")
AMBIGUOUS_MONTHS: Final = {"may": "May", "march": "March"}
"""Months that are other words too, with the text of their terms where they are months."""
_BEFORE_MONTHS: Final = parse_word_list(
    "in of since until till by from last next this early late mid every"
)
_BROKEN: Final = frozenset(",.;:!?")
_NOT_NAMES: Final = FUNCTION_WORDS | parse_word_list(
    "i i'm i've i'd i'll ok okay yes no oh well god"
)


@dataclass(frozen=True, slots=True)
class Term:
    """Word of a text, or a part of a contraction, in a form for comparison.

    Attributes:
        text: the compared form.
        key: its lemma.
        is_content: whether it carries content rather than grammar.
        is_name: whether it is written with a capital where other words are not.
        is_capital: whether it begins with a capital, be it only for beginning a sentence.
        starts: whether a sentence begins with it.
        opens: whether a clause begins with it.
        place: index of its first character in the text.
    """

    text: str
    key: str
    is_content: bool
    is_name: bool
    is_capital: bool
    starts: bool
    opens: bool
    place: int


@lru_cache(maxsize=512)
def split_terms(text: str) -> tuple[Term, ...]:
    """Split a text into terms: words, and the parts of contractions."""
    words = split_spoken_words(text)
    shouted = text.isupper()  # in which capitals show no names
    return tuple(
        term for at in range(len(words)) for term in _build_terms(words, at, text, shouted=shouted)
    )


def _build_terms(words: Sequence[Word], at: int, text: str, *, shouted: bool) -> Iterator[Term]:
    word = words[at]
    # The full stop of "Mr. Smith" ends no sentence, and the capital makes a name.
    titled = at > 0 and words[at - 1].text in TITLES and word.before.strip() == "."
    starts = at == 0 or (bool(SENTENCE_END.search(word.before)) and not titled)
    # What is quoted begins with a capital, whatever its first word is.
    quoted = word.before.rstrip()[-1:] in {'"', "“", ":"}
    capital = text[word.start].isupper() and not shouted
    is_named = capital and not starts and not quoted
    is_name = is_named and word.text not in _NOT_NAMES
    opens = is_clause_start(words, at)
    is_month = word.text in AMBIGUOUS_MONTHS and (is_named or _is_month(words, at))
    parts = (AMBIGUOUS_MONTHS[word.text],) if is_month else _expand_contraction(word.text)
    for number, part in enumerate(parts):
        is_content = part not in FUNCTION_WORDS and part != "not"
        yield Term(
            text=part,
            key=get_lemma(part) if is_content else part,
            is_content=is_content,
            is_name=is_name and number == 0,
            is_capital=capital and number == 0,
            starts=starts and number == 0,
            opens=opens and number == 0,
            place=word.start,
        )


def _is_month(words: Sequence[Word], at: int) -> bool:
    """Return whether its neighbours make a word the month: "in may", "May 3rd", "last march"."""
    following = words[at + 1].text if at + 1 < len(words) else ""
    before = words[at - 1].text if at else ""
    beside = before in _BEFORE_MONTHS and not _BROKEN & {*words[at].before}
    return beside or following[:1].isdigit()


def _expand_contraction(text: str) -> tuple[str, ...]:
    """Return a contraction's parts: "they'll" is "they will"; "that's" may be a possessive."""
    if text in _WHOLE:
        return _WHOLE[text], "not"
    if text.endswith("n't") and text != "n't":
        return text.removesuffix("n't"), "not"
    for clitic, full in _CLITICS.items() if "'" in text else ():
        if text.endswith(clitic) and text != clitic:
            return text.removesuffix(clitic), full
    return (_JOINED.get(text, text),)


def group_terms_by_sentence(read: Sequence[Term]) -> Iterator[tuple[Term, ...]]:
    """Group a text's terms (words for comparison) by sentence."""
    begin = count = 0
    for at, term in enumerate(read):
        if term.starts and at > begin:
            count += 1
            if count == MAX_SENTENCES:
                break
            yield tuple(read[begin:at])
            begin = at
    if begin < len(read):
        yield tuple(read[begin:])
