"""Check that the statement negates what its evidence negates, and affirms what it affirms.

A sentence that keeps to the evidence's own words is laid beside them: a negation dropped between
two kept words, before the first of them, or put in, is a mismatch. A freer sentence is compared
word by word: what it negates must stand under a negation in the evidence, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure
from grounding.evidence import QuotedPassage
from grounding.syntax.polarity import PolarityToken, group_polarity_tokens, tokenize_polarity
from grounding.text.alignment import align_words
from grounding.text.words import parse_word_list, stem_word

# Share of a sentence's content words that are matched, from which on places are compared; a freer
# sentence is compared word by word, since its order is its own.
_CLOSE_SHARE = 0.7
# Tokens over which a negation may move, or belong to a word, within a clause.
_NEAR = 4
# Tokens that a negation reaches in free sentences, where the clause does not end before.
_REACH = 8
# Tokens of evidence up to which it is about what the statement is about in any case.
_SHORT = 60
_EXCEPT = stem_word("except")
_AGAIN = frozenset({"again", "anymore"})
_RAISING = parse_word_list("think believ feel suppos guess want expect seem figur reckon")


def _negation_mismatch(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    claimed = tokenize_polarity(context.draft.statement)
    if any(claimed == tokenize_polarity(quote) for quote in context.quotes):
        return None  # word for word, whatever its sentences
    evidence = [
        token
        for one in context.citations.found
        for token in tokenize_polarity(_extend_to_clause(one))
    ]
    for sentence in group_polarity_tokens(claimed):
        if not _negations_agree(sentence, evidence):
            return build_claim_failure(
                "negation_mismatch",
                context,
                context.draft.statement,
                "The statement and the cited passage differ in what they negate.",
            )
    return None


def _extend_to_clause(passage: QuotedPassage) -> str:
    """Return the quote extended to the start of its clause, so that no "not" is cut off."""
    text = passage.segment.text
    begin = max((text.rfind(mark, 0, passage.start) for mark in ",.;:!?…—\u2013"), default=-1)
    return text[begin + 1 : passage.end]


def _negations_agree(sentence: Sequence[PolarityToken], evidence: Sequence[PolarityToken]) -> bool:
    evidence = _drop_negations_of_promises(sentence, evidence)
    if not any(one.is_cue for one in (*sentence, *evidence)):
        return True
    if _is_about_exception(sentence, evidence):
        return not any(one.is_cue for one in sentence)
    matches = align_words(sentence, evidence)
    if _compute_matched_share(sentence, matches) >= _CLOSE_SHARE:
        moved = _find_moved_negations(sentence, evidence, matches)
        return moved is not None and not _has_dropped_negation(
            evidence, matches, moved | _find_softened_negations(sentence, evidence, matches)
        )
    return _denials_are_supported(sentence, evidence) and _denials_are_not_affirmed(
        sentence, evidence
    )


def _drop_negations_of_promises(
    sentence: Sequence[PolarityToken], evidence: Sequence[PolarityToken]
) -> Sequence[PolarityToken]:
    """Drop negations that retract a promise or a request which the statement only mentions."""
    keys = {one.key for one in sentence}
    before = ""
    matches: list[PolarityToken] = []
    for one in evidence:
        if not (one.is_late and before in keys):
            matches.append(one)
        before = one.key if one.is_content else before
    return matches


def _is_about_exception(
    sentence: Sequence[PolarityToken], evidence: Sequence[PolarityToken]
) -> bool:
    """Return whether the sentence is about the exception in "nobody knows except him"."""
    keys = [one.key for one in evidence]
    if _EXCEPT not in keys or _EXCEPT in {one.key for one in sentence}:
        return False
    place = keys.index(_EXCEPT)
    excepted = {one.key for one in evidence[place + 1 : place + _NEAR] if one.is_content}
    denied = any(one.is_amount for one in evidence[:place])
    return denied and bool(excepted & {one.key for one in sentence})


def _compute_matched_share(
    sentence: Sequence[PolarityToken], matches: Sequence[tuple[int, int]]
) -> float:
    compared = {at for at, one in enumerate(sentence) if one.is_content}
    compared = compared or {at for at, one in enumerate(sentence) if not one.is_cue}
    return len(compared & {at for at, _ in matches}) / len(compared) if compared else 0.0


def _find_moved_negations(
    sentence: Sequence[PolarityToken],
    evidence: Sequence[PolarityToken],
    matches: Sequence[tuple[int, int]],
) -> set[int] | None:
    """Return where the evidence has the negations that the statement has at another place.

    "I have no money" moves that of "I don't have money". None if a negation was put in.
    """
    places = dict(matches)
    taken = set(places.values())
    free = {at for at, one in enumerate(evidence) if one.is_cue and at not in taken}
    moved: set[int] = set()
    left = -1
    for at, token in enumerate(sentence):
        left = max(left, places.get(at, -1))
        if token.is_cue and at not in places:
            near = range(
                left - _NEAR, left + _NEAR + 2
            )  # no further than `_is_equivalent_move` looks
            cues = (cue for cue in near if cue in free)
            found = next(
                (cue for cue in cues if _is_equivalent_move(token, evidence, cue, left)), None
            )
            if found is None:
                return None
            free.remove(found)
            moved.add(found)
    return moved


def _find_softened_negations(
    sentence: Sequence[PolarityToken],
    evidence: Sequence[PolarityToken],
    matches: Sequence[tuple[int, int]],
) -> set[int]:
    """Return negations of the evidence that the statement words as "few" or "stop"."""
    places = dict(matches)
    begin, soft = 0, False
    softened: set[int] = set()
    for at in range(len(sentence) + 1):  # between a kept word and the next one
        end = len(evidence) if at == len(sentence) else places.get(at)
        if end is None:
            soft |= sentence[at].is_soft
            continue
        if soft:
            softened |= {place for place in range(begin, end) if evidence[place].is_cue}
        begin, soft = end + 1, False
    return softened


def _is_equivalent_move(
    token: PolarityToken, evidence: Sequence[PolarityToken], cue: int, left: int
) -> bool:
    """Return whether a negation may move from ``cue`` to behind ``left`` without another meaning.

    "Haven't bought anything" is "bought nothing"; "haven't decided" is not "decided not to".
    """
    begin, end = (cue + 1, left + 1) if cue <= left else (left + 1, cue)
    between = evidence[begin:end]
    if len(between) > _NEAR or any(token.opens for token in between):
        return False
    light = all(not token.is_content or token.key in _RAISING for token in between)
    return light or (len(between) == 1 and (token.is_amount or evidence[cue].is_amount))


def _has_dropped_negation(
    evidence: Sequence[PolarityToken], matches: Sequence[tuple[int, int]], moved: set[int]
) -> bool:
    """Whether a negation of the evidence next to matched words is missing in the statement."""
    places = {at for _, at in matches}
    first, last = matches[0][1], matches[-1][1]
    gaps = [(-1, first)] + [(left, right) for (_, left), (_, right) in pairwise(matches)]
    dropped = (
        at
        for left, right in gaps
        if not _is_restart(evidence, left, right)
        for at in range(left + 1, right)
        if evidence[at].is_cue and _belongs_to_match(evidence, at, left, right)
    )
    after = evidence[last + 1 : last + 2]
    ends_in_cue = bool(after) and after[0].is_cue and not after[0].opens
    trailing = [last + 1] if ends_in_cue else []
    return any(
        at not in moved and not _may_be_dropped(evidence, places, at)
        for at in (*dropped, *trailing)
    )


def _belongs_to_match(evidence: Sequence[PolarityToken], at: int, left: int, right: int) -> bool:
    """Return whether a dropped cue belongs to a matched word: no clause ends between the two."""
    after = right - at <= _NEAR and not _has_clause_start(evidence, at, right)
    before = left >= 0 and at - left <= _NEAR and not _has_clause_start(evidence, left, at)
    return after or before


def _is_restart(evidence: Sequence[PolarityToken], left: int, right: int) -> bool:
    """Return whether the dropped words are repeated beside it, as in "let's not, let's not go"."""
    size = right - left - 1
    begin = max(left + 1 - size, 0)
    keys = [token.key for token in evidence[begin : right + size]]
    dropped = keys[left + 1 - begin : right - begin]
    return dropped in (keys[right - begin :], keys[: left + 1 - begin])


def _may_be_dropped(evidence: Sequence[PolarityToken], places: set[int], at: int) -> bool:
    return (evidence[at].is_faint and at + 1 not in places) or _has_other_negation(
        evidence, places, at
    )


def _has_clause_start(evidence: Sequence[PolarityToken], begin: int, end: int) -> bool:
    return any(token.opens for token in evidence[begin + 1 : end + 1])


def _has_other_negation(evidence: Sequence[PolarityToken], places: set[int], at: int) -> bool:
    """Return whether another negation of the clause was matched, as in "don't know nobody"."""
    near = range(max(0, at - _NEAR), min(len(evidence), at + _NEAR))
    return any(
        other in places
        and evidence[other].is_cue
        and not _has_clause_start(evidence, *sorted((at, other)))
        for other in near
        if other != at
    )


def _denials_are_supported(
    sentence: Sequence[PolarityToken], evidence: Sequence[PolarityToken]
) -> bool:
    """Return whether nothing that the statement negates is only affirmed by the evidence."""
    negated, present = _collect_negated(evidence, soft=True), {one.key for one in evidence}
    shared = {
        next((key for key in scope if key in present), None)
        for scope in _iter_scopes(sentence, soft=False)
    }
    return not any(
        key is not None and key not in negated and _shares_topic(key, sentence, evidence)
        for key in shared
    )


def _denials_are_not_affirmed(
    sentence: Sequence[PolarityToken], evidence: Sequence[PolarityToken]
) -> bool:
    """Return whether nothing that the evidence only negates is affirmed by the statement."""
    negated, present = _collect_negated(sentence, soft=True), {one.key for one in sentence}
    negated |= _collect_negated_subjects(sentence)
    # "Don't do it again": it was done before.
    scopes = (scope for scope in _iter_scopes(evidence, soft=False) if _AGAIN.isdisjoint(scope))
    targets = {scope[0] for scope in scopes if scope} & present - negated - _collect_affirmed(
        evidence
    )
    return not any(_shares_topic(target, sentence, evidence) for target in targets)


def _shares_topic(
    key: str, sentence: Sequence[PolarityToken], evidence: Sequence[PolarityToken]
) -> bool:
    """Whether the evidence has a word near other words of the sentence; one alone is no claim.

    Evidence no longer than a sentence or two is about what the statement is about anyway.
    """
    if len(evidence) <= _SHORT:
        return True
    about = {one.key for one in sentence if one.is_content and one.key != key}
    places = (at for at, one in enumerate(evidence) if one.key == key)
    return any(
        about
        & {one.key for one in evidence[max(0, at - _REACH) : at + _REACH + 1] if one.is_content}
        for at in places
    )


def _iter_scopes(read: Sequence[PolarityToken], *, soft: bool) -> Iterator[list[str]]:
    """Yield for each negation the content words it reaches, up to the end of its clause."""
    for at, token in enumerate(read):
        if (token.is_cue and not token.is_faint) or (soft and token.is_soft):
            reached: list[str] = []
            for other in read[at + 1 : at + 1 + _REACH]:
                if other.opens:
                    break
                if other.is_content or other.key in _AGAIN:
                    reached.append(other.key)
            yield reached


def _collect_negated(read: Sequence[PolarityToken], *, soft: bool) -> set[str]:
    return {key for scope in _iter_scopes(read, soft=soft) for key in scope}


def _collect_negated_subjects(read: Sequence[PolarityToken]) -> set[str]:
    """Return words right before a negation: "the bus does not run" is "no bus runs"."""
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


def _collect_affirmed(read: Sequence[PolarityToken]) -> set[str]:
    """Return content words that stand somewhere outside the reach of any negation."""
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
    is_doubt=True,
)
