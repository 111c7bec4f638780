"""Match a claim with what a turn says: which token of the claim is which spoken token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from contracts.transcript import Role
from grounding.standing.alignment import DIFFERENT, align_in_order
from grounding.standing.claims import Claim
from grounding.standing.names import INTERVIEWER, PARTICIPANT, is_speaker_placeholder
from grounding.standing.speech import SpokenToken
from grounding.standing.tenses import is_participle_of, is_past_of
from grounding.standing.turns import Turn
from grounding.standing.vocabulary import (
    ARTICLES,
    FILLERS,
    FIRST_PERSON,
    INVARIANT_VERBS,
    OPERATORS,
    SYNONYM_GROUPS,
    THIRD_PERSON,
)
from grounding.text.words import FUNCTION_WORDS

_POSSESSIVE: Final = "'s"
_NO_GROUPS: Final = frozenset[int]()
_SHORTEST_VERB_FORM: Final = 4
PERFECT: Final = "'s done"
"""The token of an "'s" before a participle: "he's been"."""
_PERFECTS: Final = {
    (PERFECT, "have"),
    (PERFECT, "has"),
    ("has", PERFECT),
    ("have", PERFECT),
}
"""Forms of "have" before a participle, in a claim and as spoken."""
_SIBILANTS: Final = ("s", "x", "z", "h", "o")

# Costs order alignments; they only have to tell good matches from worse ones.
_SYNONYM_COST: Final = 0.05
_AGREEMENT_COST: Final = 0.1
_FILLER_COST: Final = 0.02
_WORD_COST: Final = 1.0
_OPERATOR_COST: Final = 3.0
_ARTICLE_COST: Final = 0.3
_SUBJECT_COST: Final = 1.0
_JOINING_COST: Final = 1.5
_UNSAID_COST: Final = 6.0

_MATCHED_OTHERWISE: Final = FUNCTION_WORDS | frozenset(THIRD_PERSON) | {_POSSESSIVE, PERFECT}
"""Tokens of a claim that need no equal, or may be added."""

JOINING: Final = frozenset({"and", "but"})
"""Words that join two clauses of one subject; "and" also those that speech sets side by side."""


@dataclass(frozen=True)
class Match:
    """Match of a claim with a speaker's turn: where in the turn each word of the claim is said.

    Attributes:
        claim: the claim.
        turns: all turns of the chunk, in order.
        at: index of the turn that is compared.
        places: for each token of the claim the index of a spoken token, or None.
        is_speaker_named: whether the statement says by name who spoke.
        proven: places in the turn that an earlier clause of the statement accounts for.
    """

    claim: Claim
    turns: Sequence[Turn]
    at: int
    places: tuple[int | None, ...]
    is_speaker_named: bool = False
    proven: frozenset[int] = frozenset()

    @property
    def turn(self) -> Turn:
        """The turn that is compared."""
        return self.turns[self.at]

    @property
    def speech(self) -> Sequence[SpokenToken]:
        """The turn's tokens."""
        return self.turn.speech

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The claim's tokens in their compared forms."""
        return tuple(one.text for one in self.claim.tokens)

    @cached_property
    def taken(self) -> frozenset[int]:
        """The places of spoken tokens that are matched."""
        return frozenset(one for one in self.places if one is not None)

    @cached_property
    def pairs(self) -> tuple[tuple[int, str, str], ...]:
        """Index in the claim, the claim's form and the spoken form of each matched token."""
        return tuple(
            (i, self.texts[i], self.speech[place].text)
            for i, place in enumerate(self.places)
            if place is not None
        )

    @property
    def begins_with_speaker(self) -> bool:
        """Whether the claim's first word stands for who speaks."""
        i, text, said = self.pairs[0]
        is_speaker_or_pronoun = is_speaker_placeholder(text) or text in THIRD_PERSON
        return i == 0 and said in {"i", "we"} and is_speaker_or_pronoun

    @property
    def first(self) -> int:
        """The place of the first matched token."""
        return min(self.taken)

    @property
    def last(self) -> int:
        """The place of the last matched token."""
        return max(self.taken)

    def quote(self, places: Iterable[int]) -> str:
        """Return the turn's words at some places, in quotation marks."""
        tokens = (self.speech[j].token for j in places)
        return f"“{' '.join(self.turn.text[one.start : one.end] for one in tokens)}”"


def match_claim(
    claim: Claim, turns: Sequence[Turn], at: int, window: range, *, is_speaker_named: bool
) -> Match | None:
    """Match a claim's words, in order, with sentences of a turn; None if a word is not said.

    Args:
        claim: the claim.
        turns: the chunk's turns.
        at: index of the turn.
        window: places of the turn's tokens to compare with.
        is_speaker_named: whether the statement says by name who spoke.

    Returns:
        The match, or None if the claim's words are not said in this order in the window.
    """
    turn = turns[at]
    texts = tuple(one.text for one in claim.tokens)
    speech = turn.speech[window.start : window.stop]
    adding = [
        _compute_adding_cost(texts, i, is_shifted=claim.is_shifted) for i in range(len(texts))
    ]
    skipping = [_compute_skipping_cost(one) for one in speech]
    found, _ = align_in_order(skipping, adding, _list_matching_costs(claim, speech, turn))
    is_unsaid = any(
        place is None and cost == _UNSAID_COST for place, cost in zip(found, adding, strict=True)
    )
    if is_unsaid or all(one is None for one in found):
        return None
    places = tuple(None if one is None else one + window.start for one in found)
    return Match(claim, turns, at, places, is_speaker_named)


def _list_matching_costs(
    claim: Claim, speech: Sequence[SpokenToken], turn: Turn
) -> list[list[float]]:
    """Return the cost of matching each token of a claim with each spoken one."""
    texts = tuple(one.text for one in claim.tokens)
    words = [one.text for one in speech]
    distinct = set(words)
    compare = _compare_shifted if claim.is_shifted else _compare
    costs = ({said: compare(texts, i, said, turn) for said in distinct} for i in range(len(texts)))
    return [[by_word[said] for said in words] for by_word in costs]


class WindowWords:
    """Set of the words of some spoken sentences, to exclude quickly claims they cannot match.

    Args:
        turn: the turn.
        window: places of the turn's tokens.
    """

    def __init__(self, turn: Turn, window: range) -> None:
        self._known = {one.text for one in turn.speech[window.start : window.stop]}
        groups = (SYNONYM_GROUPS.get(one, _NO_GROUPS) for one in self._known)
        self._groups = frozenset[int]().union(*groups)
        self._said: dict[tuple[str, bool], bool] = {}

    def lacks(self, claim: Claim) -> bool:
        """Return whether a content word of a claim cannot be matched with any of the words."""
        return not all(self._may_say(one.text, claim.is_shifted) for one in claim.tokens)

    def _may_say(self, text: str, is_shifted: bool) -> bool:  # noqa: FBT001 - a key's part
        key = (text, is_shifted)
        if key not in self._said:
            self._said[key] = self._find(text, is_shifted=is_shifted)
        return self._said[key]

    def _find(self, text: str, *, is_shifted: bool) -> bool:
        if text in self._known or text in _MATCHED_OTHERWISE or is_speaker_placeholder(text):
            return True
        if self._groups & SYNONYM_GROUPS.get(text, _NO_GROUPS):
            return True
        if any(is_third_person_form_of(text, one) for one in self._known):
            return True
        return is_shifted and any(
            is_past_of(text, one) or is_participle_of(text, one) for one in self._known
        )


def _compare(texts: Sequence[str], i: int, said: str, turn: Turn) -> float:
    """Return the cost of matching a token of a claim with a spoken one."""
    text = texts[i]
    if not is_speaker_placeholder(text):
        return _compare_words(text, said)
    is_possessive = texts[i + 1 : i + 2] == (_POSSESSIVE,)
    own = {"my", "our"} if is_possessive else {"i", "we", "me", "us"}
    return 0.0 if said in own and refers_to_speaker(text, turn) else DIFFERENT


def _compare_shifted(texts: Sequence[str], i: int, said: str, turn: Turn) -> float:
    """Return the cost of matching a token behind "she said that" with a spoken one."""
    cost = _compare(texts, i, said, turn)
    if cost != DIFFERENT:
        return cost
    is_perfect = "had" in texts[max(0, i - 2) : i] and is_participle_of(texts[i], said)
    return _AGREEMENT_COST if is_perfect or is_past_of(texts[i], said) else DIFFERENT


@lru_cache(maxsize=60_000)
def _compare_words(text: str, said: str) -> float:
    if text == said or text in FIRST_PERSON.get(said, ()):
        return 0.0
    if (text, said) in _PERFECTS:
        return _AGREEMENT_COST
    if SYNONYM_GROUPS.get(text, _NO_GROUPS) & SYNONYM_GROUPS.get(said, _NO_GROUPS):
        return _SYNONYM_COST
    is_form = is_third_person_form_of(text, said) or _is_relative(text, said)
    return _AGREEMENT_COST if is_form else DIFFERENT


def _is_relative(text: str, said: str) -> bool:
    """Return whether a claim's "which" may stand for a spoken "it": "and it helps"."""
    return text == "which" and said in {"it", "this"}


def refers_to_speaker(label: str, turn: Turn) -> bool:
    """Return whether a name or role in a claim refers to the speaker of a turn."""
    if label == PARTICIPANT:
        return turn.may_be_participant
    if label == INTERVIEWER:
        return turn.role is Role.INTERVIEWER
    return label == f"@{turn.speaker}"


def is_third_person_form_of(third: str, base: str) -> bool:
    """Return whether a verb is the third person singular of another: "pays" of "pay"."""
    if third == base or not third.endswith("s") or len(third) < _SHORTEST_VERB_FORM:
        return False
    if base in INVARIANT_VERBS:
        return False  # "I put" may be past, "she puts" is not
    if third == base + "s" or (third == base + "es" and base.endswith(_SIBILANTS)):
        return True
    return third.endswith("ies") and base.endswith("y") and third[:-3] == base[:-1]


def is_leading_speaker_reference(texts: Sequence[str], i: int) -> bool:
    """Return whether a word is a claim's first and refers to the speaker, such as "she"."""
    return i == 0 and (is_speaker_placeholder(texts[0]) or texts[0] in {"he", "she", "they"})


def may_add_copula(texts: Sequence[str], i: int) -> bool:
    """Return whether a word of a claim is an "is" that may be added to "they competing"."""
    then = texts[i + 1] if 0 < i < len(texts) - 1 else ""
    is_subject = i > 0 and (
        is_speaker_placeholder(texts[i - 1]) or texts[i - 1] in {"he", "she", "they"}
    )
    is_progressive = then.endswith("ing") or then == "going_to"
    return texts[i] in {"is", "are", "'s"} and is_subject and is_progressive


def _compute_adding_cost(texts: Sequence[str], i: int, *, is_shifted: bool) -> float:
    if texts[i] == _POSSESSIVE and i and is_speaker_placeholder(texts[i - 1]):
        return 0.0
    if is_leading_speaker_reference(texts, i):
        return _SUBJECT_COST
    is_verb = (is_shifted and texts[i] == "had") or may_add_copula(texts, i)
    if is_verb or (texts[i] == "and" and i > 1):
        return _JOINING_COST
    return _ARTICLE_COST if texts[i] in ARTICLES else _UNSAID_COST


def _compute_skipping_cost(one: SpokenToken) -> float:
    if one.is_repeated or one.text in FILLERS:
        return _FILLER_COST
    return _OPERATOR_COST if one.text in OPERATORS else _WORD_COST
