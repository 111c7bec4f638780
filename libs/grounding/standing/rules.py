"""Say which rule vouches for a proven statement, and in one sentence how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from contracts.notes import Standing, Voucher, VoucherKind
from grounding.standing.matching import Match, is_third_person_form_of
from grounding.standing.tenses import is_past_of
from grounding.standing.vocabulary import ARTICLES, COPULAS, FIRST_PERSON, HESITATIONS
from grounding.text.words import truncate_text

WORD_FOR_WORD: Final = "word_for_word"
"""The rule for statements that are a quote, but for hesitations and punctuation."""
TIDIED_QUOTE: Final = "tidied_quote"
"""The rule for quotes without fillers and repetitions, with the speaker in the third person."""
WORDS_ACCOUNTED_FOR: Final = "words_accounted_for"
"""The rule for statements each word of which is said, with nothing around that changes it."""

_MAX_LISTED: Final = 6
_LONGEST_WORD: Final = 40
"""Characters of a listed word: a voucher's sentence is bounded, a word of a turn is not."""


def derive_standing(statement: str, matches: Sequence[Match]) -> tuple[Standing, Voucher]:
    """Return the standing of a fully matched statement (verbatim or proven), and the rule.

    Args:
        statement: the statement that the matches prove.
        matches: where each of its clauses is said.
    """
    left_out = _unique(one for match in matches for one in _list_left_out(match))
    exchanged = _unique(one for match in matches for one in _list_exchanged(match))
    persons = _unique(one for match in matches for one in _list_persons(statement, match))
    added = _unique(one for match in matches for one in _list_added(statement, match))
    meant = [one for one in left_out if one.casefold() not in HESITATIONS | ARTICLES]
    places = sum(len({one.speech[j].token.sentence for j in one.taken}) for one in matches)
    is_answer = any(one.turn.is_answer for one in matches)
    changes = [
        _list_words("left out", left_out),
        _list_words("exchanged", exchanged),
        _list_words("for the speaker", persons),
        _list_words("added", added),
        "question and answer read as one sentence" if is_answer else "",
        f"joined from {places} sentences" if places > 1 else "",
    ]
    listed = "; ".join(one for one in changes if one)
    if places > 1 or meant or exchanged or added or is_answer:
        detail = f"The quote says each of its words, and nothing there limits them ({listed})."
        return Standing.PROVEN, _build(WORDS_ACCOUNTED_FOR, detail)
    if persons or left_out:
        return Standing.VERBATIM, _build(TIDIED_QUOTE, f"It is the quote, tidied ({listed}).")
    return Standing.VERBATIM, _build(WORD_FOR_WORD, _NO_CHANGE)


_NO_CHANGE: Final = "It is the quote, word for word, but for punctuation."


def _build(name: str, detail: str) -> Voucher:
    return Voucher(kind=VoucherKind.RULE, name=name, detail=detail)


def _list_left_out(match: Match) -> Iterable[str]:
    for j in range(match.first, match.last):
        if j not in match.taken:
            token = match.speech[j].token
            yield match.turn.text[token.start : token.end]


def _list_exchanged(match: Match) -> Iterable[str]:
    for _, text, said in match.pairs:
        is_copula = text in COPULAS and said in COPULAS and not is_past_of(text, said)
        is_form = is_third_person_form_of(text, said) or is_copula
        if text != said and not _is_person(text, said) and not is_form:
            yield f"{said} → {text}"


def _list_persons(statement: str, match: Match) -> Iterable[str]:
    for i, text, said in match.pairs:
        if _is_person(text, said):
            token = match.claim.tokens[i]
            yield f"{said} → {statement[token.start : token.end]}"


def _is_person(text: str, said: str) -> bool:
    return text != said and (text.startswith("@") or text in FIRST_PERSON.get(said, ()))


def _list_added(statement: str, match: Match) -> Iterable[str]:
    for token, place in zip(match.claim.tokens, match.places, strict=True):
        if place is None and token.text not in ARTICLES and token.text != "'s":
            yield statement[token.start : token.end]


def _list_words(what: str, words: Sequence[str]) -> str:
    if not words:
        return ""
    listed = (truncate_text(one, _LONGEST_WORD) for one in words[:_MAX_LISTED])
    shown = ", ".join(f"“{one}”" for one in listed)
    return f"{what}: {shown}{' …' if len(words) > _MAX_LISTED else ''}"


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
