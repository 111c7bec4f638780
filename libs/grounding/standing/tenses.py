"""Compare verbs across the shift of tenses behind "she said that": "I need" becomes "needed".

English shifts what is reported one tense back (Quirk et al. 1985, § 14.31): the present becomes the
past, "will" becomes "would". Nothing else is: "used to smoke" is no "smoked", and "will sell" no
"sold".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from grounding.standing.vocabulary import INVARIANT_VERBS, PARTICIPLES, PAST_FORMS
from grounding.text.lemmas import get_lemma
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_SHIFTED: Final = {
    "would": parse_word_list("will"),
    "could": parse_word_list("can"),
    "might": parse_word_list("may"),
    "was": parse_word_list("is am 's"),
    "were": parse_word_list("are am"),
    "had": parse_word_list("have has"),
    "did": parse_word_list("do does"),
    "had_to": parse_word_list("have_to"),
    "needed_to": parse_word_list("need_to"),
}
"""Past forms of the verbs of grammar, with the present ones."""
_PAST: Final = PAST_FORMS | parse_word_list(
    "said thought told felt heard meant saw went swam hung slid hid"
)
_NO_VERBS: Final = (FUNCTION_WORDS - {"know"}) | PARTICIPLES | INVARIANT_VERBS
_BASES_IN_ED: Final = parse_word_list("need feed speed bleed breed seed indeed bed red shed wed")
_IRREGULAR_PASTS: Final[dict[str, str]] = dict(
    pair.split("-", 1)
    for pair in parse_word_list(
        """become-became begin-began bite-bit break-broke bring-brought build-built
        buy-bought catch-caught choose-chose come-came deal-dealt do-did draw-drew drink-drank
        drive-drove eat-ate fall-fell feed-fed feel-felt fight-fought find-found fly-flew
        forget-forgot get-got give-gave go-went grow-grew have-had hear-heard hold-held keep-kept
        know-knew lead-led leave-left lend-lent lose-lost make-made mean-meant meet-met pay-paid
        ride-rode run-ran say-said see-saw sell-sold send-sent sing-sang sit-sat sleep-slept
        speak-spoke spend-spent stand-stood steal-stole swear-swore swim-swam take-took
        teach-taught tell-told think-thought throw-threw understand-understood wake-woke
        wear-wore win-won write-wrote"""
    )
)
"""Past forms that no ending explains, by the verb's base."""

_PARTICIPLES: Final[dict[str, str]] = {
    participle: past
    for past, participle in (
        pair.split("-", 1)
        for pair in parse_word_list(
            """was-been were-been became-become began-begun bit-bitten broke-broken chose-chosen
            came-come did-done drew-drawn drank-drunk drove-driven ate-eaten fell-fallen flew-flown
            forgot-forgotten got-gotten gave-given went-gone grew-grown knew-known rode-ridden
            ran-run saw-seen sang-sung spoke-spoken stole-stolen swam-swum swore-sworn took-taken
            threw-thrown woke-woken wore-worn wrote-written"""
        )
    )
}
"""Participles that are not like the past form, with the past form."""


def is_participle_of(text: str, said: str) -> bool:
    """Return whether a claim's participle belongs to a spoken past form: "gone" to "went"."""
    past = _PARTICIPLES.get(text)
    is_being = text == "been" and said in {"was", "were"}
    return is_being or said == past or (past is None and text == said and is_past_form(said))


@lru_cache(maxsize=20_000)
def is_past_of(text: str, said: str) -> bool:
    """Return whether a claim's verb is the past form of a spoken present verb."""
    if text in _SHIFTED:
        return said in _SHIFTED[text]
    if text in FUNCTION_WORDS or said in _NO_VERBS:
        return False
    return is_past_form(text) and not is_past_form(said) and _is_same_verb(text, said)


def is_past_form(text: str) -> bool:
    """Return whether a word has the form of a verb's past: "worked", "sold"."""
    return text in _PAST or (text.endswith("ed") and text not in _BASES_IN_ED)


def _is_same_verb(text: str, said: str) -> bool:
    is_other_form = said.endswith(("ing", "en", "er"))
    return not is_other_form and get_lemma(text) == get_lemma(said)


def build_past(base: str) -> str:
    """Return the past form of a verb's base: "went" of "go", "worked" of "work"."""
    if base in _IRREGULAR_PASTS:
        return _IRREGULAR_PASTS[base]
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2:-1] not in {"a", "e", "o", "u"}:
        return f"{base[:-1]}ied"
    return f"{base}ed"
