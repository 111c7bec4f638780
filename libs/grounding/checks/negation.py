"""Checks that the statement negates what its evidence negates, and affirms what it affirms.

A sentence that keeps to the evidence's own words is laid beside them: a negation dropped between
two kept words, before the first of them, or put in, is a mismatch. A freer sentence is compared
word by word: what it negates must stand under a negation in the evidence, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.checks.wording import differs
from grounding.evidence import Passage
from grounding.syntax.polarity import Token, sentences, tokens
from grounding.text.alignment import kept_words
from grounding.text.words import listed, stem

_KEPT = 0.7
_NEAR = 4
_REACH = 8
_SHORT = 60
_EXCEPT = stem("except")
_AGAIN = frozenset({"again", "anymore"})
_RAISING = listed("think believ feel suppos guess want expect seem figur reckon")


def _negation_mismatch(case: Case) -> CheckFailure | None:
    if not case.is_cited:
        return None
    claimed = tokens(case.draft.statement)
    if any(claimed == tokens(quote) for quote in case.quotes):
        return None  # word for word, whatever its sentences
    told = [token for one in case.citations.found for token in tokens(_with_lead(one))]
    for sentence in sentences(claimed):
        if not _agrees(sentence, told):
            return differs(
                "negation_mismatch",
                case,
                case.draft.statement,
                "The statement and the cited passage differ in what they negate.",
            )
    return None


def _with_lead(passage: Passage) -> str:
    """The quote from the beginning of its clause, so that no "not" is cut off."""
    text = passage.segment.text
    begin = max((text.rfind(mark, 0, passage.start) for mark in ",.;:!?…—\u2013"), default=-1)
    return text[begin + 1 : passage.end]


def _agrees(sentence: Sequence[Token], told: Sequence[Token]) -> bool:
    told = _without_what_is_told_all_the_same(sentence, told)
    if not any(one.is_cue for one in (*sentence, *told)):
        return True
    if _is_excepted(sentence, told):
        return not any(one.is_cue for one in sentence)
    kept = kept_words(sentence, told)
    if _share_kept(sentence, kept) >= _KEPT:
        moved = _moved(sentence, told, kept)
        return moved is not None and not _left_out(
            told, kept, moved | _softened(sentence, told, kept)
        )
    return _denials_stand(sentence, told) and _denials_stand_not_affirmed(sentence, told)


def _without_what_is_told_all_the_same(
    sentence: Sequence[Token], told: Sequence[Token]
) -> Sequence[Token]:
    """Without a negation of what was only promised or asked for, where the statement says that."""
    keys = {one.key for one in sentence}
    before = ""
    kept: list[Token] = []
    for one in told:
        if not (one.is_late and before in keys):
            kept.append(one)
        before = one.key if one.is_content else before
    return kept


def _is_excepted(sentence: Sequence[Token], told: Sequence[Token]) -> bool:
    """Whether the sentence is about the one of "nobody knows except him"."""
    keys = [one.key for one in told]
    if _EXCEPT not in keys or _EXCEPT in {one.key for one in sentence}:
        return False
    place = keys.index(_EXCEPT)
    excepted = {one.key for one in told[place + 1 : place + _NEAR] if one.is_content}
    denied = any(one.is_amount for one in told[:place])
    return denied and bool(excepted & {one.key for one in sentence})


def _share_kept(sentence: Sequence[Token], kept: Sequence[tuple[int, int]]) -> float:
    weighing = {at for at, one in enumerate(sentence) if one.is_content}
    weighing = weighing or {at for at, one in enumerate(sentence) if not one.is_cue}
    return len(weighing & {at for at, _ in kept}) / len(weighing) if weighing else 0.0


def _moved(
    sentence: Sequence[Token], told: Sequence[Token], kept: Sequence[tuple[int, int]]
) -> set[int] | None:
    """Where the evidence has the negations that the statement has at another place.

    "I have no money" moves that of "I don't have money". None if a negation was put in.
    """
    places = dict(kept)
    taken = set(places.values())
    free = {at for at, one in enumerate(told) if one.is_cue and at not in taken}
    moved: set[int] = set()
    left = -1
    for at, token in enumerate(sentence):
        left = max(left, places.get(at, -1))
        if token.is_cue and at not in places:
            near = range(left - _NEAR, left + _NEAR + 2)  # no further than `_is_move` looks
            cues = (cue for cue in near if cue in free)
            found = next((cue for cue in cues if _is_move(token, told, cue, left)), None)
            if found is None:
                return None
            free.remove(found)
            moved.add(found)
    return moved


def _softened(
    sentence: Sequence[Token], told: Sequence[Token], kept: Sequence[tuple[int, int]]
) -> set[int]:
    """Where the evidence has negations in whose place the statement has a "few" or a "stop"."""
    places = dict(kept)
    begin, soft = 0, False
    softened: set[int] = set()
    for at in range(len(sentence) + 1):  # between a kept word and the next one
        end = len(told) if at == len(sentence) else places.get(at)
        if end is None:
            soft |= sentence[at].is_soft
            continue
        if soft:
            softened |= {place for place in range(begin, end) if told[place].is_cue}
        begin, soft = end + 1, False
    return softened


def _is_move(token: Token, told: Sequence[Token], cue: int, left: int) -> bool:
    """Whether a negation may go from ``cue`` to behind ``left`` without another meaning.

    "Haven't bought anything" is "bought nothing"; "haven't decided" is not "decided not to".
    """
    begin, end = (cue + 1, left + 1) if cue <= left else (left + 1, cue)
    between = told[begin:end]
    if len(between) > _NEAR or any(token.opens for token in between):
        return False
    light = all(not token.is_content or token.key in _RAISING for token in between)
    return light or (len(between) == 1 and (token.is_amount or told[cue].is_amount))


def _left_out(told: Sequence[Token], kept: Sequence[tuple[int, int]], moved: set[int]) -> bool:
    """Whether a negation of the evidence was dropped from around the kept words."""
    places = {at for _, at in kept}
    first, last = kept[0][1], kept[-1][1]
    gaps = [(-1, first)] + [(left, right) for (_, left), (_, right) in pairwise(kept)]
    dropped = (
        at
        for left, right in gaps
        if not _restarted(told, left, right)
        for at in range(left + 1, right)
        if told[at].is_cue and _holds(told, at, left, right)
    )
    after = told[last + 1 : last + 2]
    ends_in_cue = bool(after) and after[0].is_cue and not after[0].opens
    trailing = [last + 1] if ends_in_cue else []
    return any(at not in moved and not _forgiven(told, places, at) for at in (*dropped, *trailing))


def _holds(told: Sequence[Token], at: int, left: int, right: int) -> bool:
    """Whether a dropped cue belongs to a kept word: no clause ends between the two."""
    after = right - at <= _NEAR and not _parted(told, at, right)
    before = left >= 0 and at - left <= _NEAR and not _parted(told, left, at)
    return after or before


def _restarted(told: Sequence[Token], left: int, right: int) -> bool:
    """Whether what was dropped is kept beside it, as in "let's not, let's not go"."""
    size = right - left - 1
    begin = max(left + 1 - size, 0)
    keys = [token.key for token in told[begin : right + size]]
    dropped = keys[left + 1 - begin : right - begin]
    return dropped in (keys[right - begin :], keys[: left + 1 - begin])


def _forgiven(told: Sequence[Token], places: set[int], at: int) -> bool:
    return (told[at].is_faint and at + 1 not in places) or _repeated(told, places, at)


def _parted(told: Sequence[Token], begin: int, end: int) -> bool:
    return any(token.opens for token in told[begin + 1 : end + 1])


def _repeated(told: Sequence[Token], places: set[int], at: int) -> bool:
    """Whether another negation of the clause was kept, as in "don't know nobody"."""
    near = range(max(0, at - _NEAR), min(len(told), at + _NEAR))
    return any(
        other in places and told[other].is_cue and not _parted(told, *sorted((at, other)))
        for other in near
        if other != at
    )


def _denials_stand(sentence: Sequence[Token], told: Sequence[Token]) -> bool:
    """Whether what the statement negates is nowhere only affirmed by the evidence."""
    negated, present = _negated(told, soft=True), {one.key for one in told}
    shared = {
        next((key for key in scope if key in present), None)
        for scope in _scopes(sentence, soft=False)
    }
    return not any(
        key is not None and key not in negated and _is_about(key, sentence, told) for key in shared
    )


def _denials_stand_not_affirmed(sentence: Sequence[Token], told: Sequence[Token]) -> bool:
    """Whether what the evidence only negates is nowhere affirmed by the statement."""
    negated, present = _negated(sentence, soft=True), {one.key for one in sentence}
    negated |= _of_whom_denied(sentence)
    # "Don't do it again": it was done before.
    scopes = (scope for scope in _scopes(told, soft=False) if _AGAIN.isdisjoint(scope))
    targets = {scope[0] for scope in scopes if scope} & present - negated - _affirmed(told)
    return not any(_is_about(target, sentence, told) for target in targets)


def _is_about(key: str, sentence: Sequence[Token], told: Sequence[Token]) -> bool:
    """Whether the evidence has a word beside others of the sentence: one alone is no claim.

    Evidence no longer than a sentence or two is about what the statement is about anyway.
    """
    if len(told) <= _SHORT:
        return True
    about = {one.key for one in sentence if one.is_content and one.key != key}
    places = (at for at, one in enumerate(told) if one.key == key)
    return any(
        about & {one.key for one in told[max(0, at - _REACH) : at + _REACH + 1] if one.is_content}
        for at in places
    )


def _scopes(read: Sequence[Token], *, soft: bool) -> Iterator[list[str]]:
    """For each negation the content words it reaches: on to the end of its clause."""
    for at, token in enumerate(read):
        if (token.is_cue and not token.is_faint) or (soft and token.is_soft):
            reached: list[str] = []
            for other in read[at + 1 : at + 1 + _REACH]:
                if other.opens:
                    break
                if other.is_content or other.key in _AGAIN:
                    reached.append(other.key)
            yield reached


def _negated(read: Sequence[Token], *, soft: bool) -> set[str]:
    return {key for scope in _scopes(read, soft=soft) for key in scope}


def _of_whom_denied(read: Sequence[Token]) -> set[str]:
    """What stands right before a negation: "the bus does not run" is "no bus runs"."""
    denied: set[str] = set()
    subject = ""
    for token in read:
        if token.opens:
            subject = ""
        if token.is_cue and not token.is_faint and subject:
            denied.add(subject)
        elif token.is_content:
            subject = token.key
    return denied


def _affirmed(read: Sequence[Token]) -> set[str]:
    """Content words that stand somewhere outside the reach of any negation."""
    affirmed: set[str] = set()
    left = 0
    for token in read:
        left = 0 if token.opens else left - 1
        if token.is_cue and not token.is_faint:
            left = _REACH + 1
        elif token.is_content and left <= 0:
            affirmed.add(token.key)
    return affirmed


NEGATION_MISMATCH = Check(
    "negation_mismatch",
    "The statement negates what its evidence negates, and nothing else.",
    _negation_mismatch,
)
