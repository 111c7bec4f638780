"""Check that a statement attributed to somebody was made by that person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_word_failure, quote_word
from grounding.text.lemmas import get_lemma
from grounding.text.sentence_alignment import SentenceAlignment
from grounding.text.terms import Term, split_terms
from grounding.text.words import parse_word_list
from grounding.vocabulary.reporting import NARRATION_NOUNS, REPORTING_VERBS, SPEECH_VERBS

_NAME: Final = "said_by_another"
_BETWEEN: Final = 2
"""Words after a label among which the verb of saying stands."""
_BETRAYING: Final = 2
"""Words shared with another speaker from which on the statement is that speaker's."""
_OVERWHELMING: Final = 4
_MOST: Final = 0.6
_FEW: Final = 0.34
"""Share of a statement's words that another has, and of those the named one has: it is theirs."""
_OPENING: Final = 3
_ASSENT: Final = parse_word_list(
    "yeah yes yep yup right exactly sure okay ok true indeed absolutely definitely agree agreed"
)
_FARTHEST: Final = 9
"""Terms before an opinion among which its reporter is looked for."""
_HOLDING: Final = parse_word_list(
    "find finds found think thinks thought believe believes believed consider considers considered"
)
_SPEAKING: Final = NARRATION_NOUNS | parse_word_list("i we she he they")
_OTHERS: Final = parse_word_list("he she they everyone everybody somebody someone people")
_AGREEING: Final = frozenset({get_lemma("agree"), get_lemma("agreed"), "right", "too", "same"})


def _said_by_another(context: CheckContext) -> CheckFailure | None:
    if not context.is_cited:
        return None
    cited = dict.fromkeys(one.segment.speaker for one in context.citations.found)
    for alignment in context.sentences:
        for at, label in _find_attributions(alignment, context.labels):
            if label not in cited:
                who = ", ".join(cited)
                reason = (
                    f"The cited passage was spoken by {quote_word(who)}, "
                    f"not by {quote_word(label)}."
                )
                return build_word_failure(_NAME, context, alignment, at, reason)
            other = _find_actual_speaker(context, alignment, at, label)
            if other is not None:
                reason = f"{quote_word(other)} said this, not {quote_word(label)}."
                return build_word_failure(_NAME, context, alignment, at, reason)
        for at, place in _find_adopted_opinions(alignment):
            reason = (
                f"The cited passage has this from {quote_word(alignment.evidence[place].text)}."
            )
            return build_word_failure(_NAME, context, alignment, at, reason)
    return None


def _find_attributions(
    alignment: SentenceAlignment, labels: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """Yield places where a speaker's label is followed by a verb of saying, with the label."""
    words = [one.text for one in alignment.sentence]
    by_first = _index_labels(tuple(labels))
    for at, word in enumerate(words):
        for label, wanted in by_first.get(word, ()):
            end = at + len(wanted)
            following = words[end : end + _BETWEEN]
            alone = not {"and", "or"} & {*words[max(0, at - 1) : at], *following[:1]}
            if alone and words[at:end] == wanted and SPEECH_VERBS & set(following):
                yield at, label


@lru_cache(maxsize=16)
def _index_labels(labels: tuple[str, ...]) -> dict[str, list[tuple[str, list[str]]]]:
    """Return labels with their words, by first word; cached for the notes of a chunk."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for label in labels:
        wanted = [one.text for one in split_terms(label)]
        if wanted:
            found.setdefault(wanted[0], []).append((label, wanted))
    return found


def _find_actual_speaker(
    context: CheckContext, alignment: SentenceAlignment, at: int, label: str
) -> str | None:
    """Return another cited speaker whose words these are, if hardly any are this one's.

    A few shared words exonerate nobody; assent does, and so does an answer to who asked.
    """
    wanted = {one.key for one in _iter_clause(alignment, at) if one.is_content}
    said: dict[str, set[str]] = {}
    for passage in context.citations.found:
        keys = {one.key for one in split_terms(passage.quote)}
        said.setdefault(passage.segment.speaker, set()).update(keys & wanted)
    other = max(said, key=lambda one: len(said[one]))
    own = len(said.get(label, ()))
    if not own:
        return other if len(said[other]) >= _BETRAYING else None
    is_most = len(said[other]) >= max(_OVERWHELMING, _MOST * len(wanted))
    if not is_most or own > _FEW * len(said[other]) or _is_answered(context, label):
        return None
    return other


def _is_answered(context: CheckContext, label: str) -> bool:
    """Return whether a speaker agrees with what another says, or answers a question."""
    asked = False
    for passage in context.citations.found:
        words = [one.text for one in split_terms(passage.quote)]
        if passage.segment.speaker == label:
            is_assent = not _ASSENT.isdisjoint(words[:_OPENING])
            if asked or is_assent or len(words) <= _OPENING:
                return True
        else:
            asked = "?" in passage.quote
    return False


def _find_adopted_opinions(alignment: SentenceAlignment) -> Iterator[tuple[int, int]]:
    """Yield places where the participant holds an opinion that the evidence has from somebody else.

    "He said it was useless, but I didn't agree": the participant did not find it useless.
    """
    if _has_agreement(alignment.evidence):
        return
    for at in range(1, len(alignment.sentence)):
        held_by = alignment.sentence[at - 1].text
        if alignment.sentence[at].text not in _HOLDING or held_by not in _SPEAKING:
            continue
        if at in alignment.matched and held_by not in NARRATION_NOUNS:
            continue  # the evidence's own "he thought"
        held = [one.key for one in alignment.sentence[at + 1 :] if one.is_content]
        places = [
            step for step, one in enumerate(alignment.evidence) if held and one.key == held[-1]
        ]
        if held and not any(_is_about(alignment.evidence, place, held) for place in places):
            continue
        others = [_find_reporter(alignment.evidence, place) for place in places]
        if others and all(one is not None for one in others):
            yield at, others[0] or 0


def _is_about(evidence: Sequence[Term], place: int, held: Sequence[str]) -> bool:
    """Return whether half of an opinion's words stand around a place of the evidence."""
    around = {one.key for one in evidence[max(0, place - _FARTHEST) : place + 1]}
    return 2 * len(around & {*held}) >= len({*held})


def _has_agreement(evidence: Sequence[Term]) -> bool:
    """Return whether somebody agrees; then it does not matter who said it first."""
    return any(
        one.key in _AGREEING
        and not {"not", "never"} & {before.text for before in evidence[max(0, at - 3) : at]}
        for at, one in enumerate(evidence)
    )


def _find_reporter(evidence: Sequence[Term], place: int) -> int | None:
    """Return the place of the other person who says what stands at a place of a sentence."""
    for step in range(place, max(0, place - _FARTHEST), -1):
        if evidence[step].text in SPEECH_VERBS | _HOLDING:
            who = evidence[step - 1]
            other = (
                who.text in _OTHERS or who.is_name or (who.is_content and not evidence[step].starts)
            )
            return step - 1 if other else None
        if evidence[step].starts or evidence[step].text in {"but", "i", "we"}:
            return None
    return None


def _iter_clause(alignment: SentenceAlignment, at: int) -> Iterator[Term]:
    """Yield the terms after a label, up to the next clause that has a name of its own."""
    for step in range(at + 1, len(alignment.sentence)):
        term = alignment.sentence[step]
        if term.opens and step > at + _BETWEEN:
            return
        if not term.is_name and term.text not in REPORTING_VERBS:
            yield term


SAID_BY_ANOTHER = Check(
    _NAME,
    "Whom the statement names as the one who said it, is the one who spoke the cited passage.",
    _said_by_another,
)
