"""Split a text into the terms that checks compare: contractions taken apart, names marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Final, NamedTuple

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


class Term(NamedTuple):
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


_new_term: Final = partial(tuple.__new__, Term)
"""Makes a term of a tuple of all its fields, in a fifth of the time of the constructor."""


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
    before = word.before
    is_plain = before == " "  # as before most words; looking for its marks takes longer
    titled = not is_plain and at > 0 and words[at - 1].text in TITLES and before.strip() == "."
    starts = at == 0 or (not is_plain and bool(SENTENCE_END.search(before)) and not titled)
    # What is quoted begins with a capital, whatever its first word is.
    quoted = not is_plain and before.rstrip()[-1:] in {'"', "“", ":"}
    capital = text[word.start].isupper() and not shouted
    is_named = capital and not starts and not quoted
    is_name = is_named and word.text not in _NOT_NAMES
    opens = is_clause_start(words, at)
    is_month = word.text in AMBIGUOUS_MONTHS and (is_named or _is_month(words, at))
    form = AMBIGUOUS_MONTHS[word.text] if is_month else word.text
    for part, key, is_content in _expand_word(form):
        yield _new_term((part, key, is_content, is_name, capital, starts, opens, word.start))
        is_name = capital = starts = opens = False  # of a contraction, the first part's


@lru_cache(maxsize=20_000)
def _expand_word(text: str) -> tuple[tuple[str, str, bool], ...]:
    """Return the parts of a word, each with its lemma and whether it carries content."""
    parts = (text,) if text in AMBIGUOUS_MONTHS.values() else _expand_contraction(text)
    contents = [part not in FUNCTION_WORDS and part != "not" for part in parts]
    return tuple(
        (part, get_lemma(part) if is_content else part, is_content)
        for part, is_content in zip(parts, contents, strict=True)
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
