"""Take a statement apart: what it claims, sentence by sentence, and who is said to have said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grounding.standing.names import is_speaker_placeholder, replace_names_by_placeholders
from grounding.standing.speech import merge_phrase_tokens
from grounding.standing.tokens import SeparatorKind, Token, split_tokens
from grounding.text.words import parse_word_list

_SUBJECT_FORMS: Final = {"him": "he", "her": "she", "them": "they", "his": "he", "their": "they"}
_SAYING_THAT: Final = parse_word_list(
    """said says say explained explains noted notes added adds mentioned mentions recalled recalls
    stated states argued argues"""
)
"""Verbs behind which "that" may be left out. None that says more than that it was said, such as
"complained", "warned" or "admitted"."""
_SAYING: Final = _SAYING_THAT | parse_word_list(
    """reported reports remarked remarks observed observes commented comments clarified clarifies
    answered answers replied replies remembered remembers shared shares recounted recounts
    indicated indicates responded responds remarked remarks"""
)
_SHIFTING: Final = parse_word_list(
    """said explained noted added mentioned stated reported remarked observed commented clarified
    answered replied told pointed argued indicated responded
    recalled remembered recounted shared"""
)
"""Verbs in the past behind which a statement's verbs may be shifted into the past."""
_TELLING: Final = parse_word_list("told tells")
_THINKING: Final = parse_word_list(
    """think thinks thought believe believes believed feel feels felt guess guesses suppose
    supposes"""
)
_ADVERBS: Final = parse_word_list("also then later further however simply")
_VIEWS: Final = parse_word_list("view opinion experience words")


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim of a note: one sentence of its statement as tokens, with the speaker it names.

    Attributes:
        tokens: its tokens, without the words that say whose claim it is. A speaker's label is one
            token, as `names.replace_names_by_placeholders` has it.
        source: who is said to have said it, such as ``@1`` or ``she``; empty if nobody is.
        opinion: the verb by which the statement says that somebody thinks so; empty if by none.
        is_continued: whether it is a later clause.
        spoken_subject: the "I" or "we" that is the subject of the clause before; else empty.
        joined_by: the "and" or "but" by which the statement joins it to the clause before.
        is_shifted: whether "she said that" before it may have shifted its verbs into the past.
        is_reordered: whether an adjunct of it has been moved to its other end.
        is_source_behind: whether the statement says only behind the words whose they are.
        is_quoted: whether the statement gives the words behind a name and a colon.
    """

    tokens: tuple[Token, ...]
    source: str = ""
    opinion: str = ""
    is_continued: bool = False
    spoken_subject: str = ""
    joined_by: str = ""
    is_source_behind: bool = False
    is_quoted: bool = False
    is_shifted: bool = False
    is_reordered: bool = False


def names_speaker(claim: Claim) -> bool:
    """Return whether a claim names a speaker, or attributes its words to one."""
    return bool(claim.source) or any(is_speaker_placeholder(one.text) for one in claim.tokens)


def split_claims(statement: str, labels: Sequence[str]) -> tuple[Claim, ...]:
    """Split a note's statement into claims, one per sentence.

    Args:
        statement: the note's statement.
        labels: the labels of all who speak; a claim's tokens have their indices.
    """
    tokens = replace_names_by_placeholders(merge_phrase_tokens(split_tokens(statement)), labels)
    sentences: dict[int, list[Token]] = {}
    for one in tokens:
        sentences.setdefault(one.sentence, []).append(one)
    return tuple(_read_claim(tuple(one)) for one in sentences.values())


def _read_claim(tokens: tuple[Token, ...]) -> Claim:
    texts = [one.text for one in tokens]
    return (
        _read_according_to(tokens, texts)
        or _read_view(tokens, texts)
        or _read_head(tokens, texts)
        or _read_aside(tokens, texts)
        or Claim(tokens)
    )


def _is_source(text: str) -> bool:
    return is_speaker_placeholder(text) or text in {"he", "she", "they"}


def _read_according_to(tokens: tuple[Token, ...], texts: list[str]) -> Claim | None:
    """Read "according to Ann, …" and "…, according to Ann"."""
    for begin, rest in ((0, tokens[3:]), (len(texts) - 3, tokens[:-3])):
        said_by = texts[begin + 2 : begin + 3]
        if texts[begin : begin + 2] != ["according", "to"] or not rest or not said_by:
            continue
        source = _SUBJECT_FORMS.get(said_by[0], said_by[0])
        if _is_source(source):
            return Claim(rest, source, is_source_behind=begin > 0)
    return None


def _read_view(tokens: tuple[Token, ...], texts: list[str]) -> Claim | None:
    """Read "in her view, …" and "in Ann's opinion, …"."""
    if texts[:1] != ["in"]:
        return None
    source = _SUBJECT_FORMS.get(texts[1], texts[1]) if len(texts) > 1 else ""
    end = 3 if texts[2:3] == ["'s"] else 2
    if _is_source(source) and {*texts[end : end + 1]} & _VIEWS and tokens[end + 1 :]:
        return Claim(tokens[end + 1 :], source, opinion="think")
    return None


def _read_head(tokens: tuple[Token, ...], texts: list[str]) -> Claim | None:
    """Read "Ann: …", "Ann says that …", "she pointed out that …" and "Ann told Ben that …"."""
    if not texts or not _is_source(texts[0]):
        return None
    if (
        is_speaker_placeholder(texts[0])
        and len(tokens) > 1
        and tokens[1].gap is SeparatorKind.COMMA
    ):
        return Claim(tokens[1:], texts[0], is_quoted=True)
    at = 1
    while at < len(texts) and texts[at] in _ADVERBS:
        at += 1
    verb, at = (texts[at] if at < len(texts) else ""), at + 1
    needs_that = verb not in _SAYING_THAT | _THINKING
    if verb in {"pointed", "points"} and texts[at : at + 1] == ["out"]:
        at += 1
    elif verb in _TELLING and at < len(texts) and is_speaker_placeholder(texts[at]):
        at += 1
        needs_that = False
    elif verb not in _SAYING | _THINKING:
        return None
    has_that = texts[at : at + 1] == ["that"]
    if at + has_that >= len(texts) or (needs_that and not has_that):
        return None
    is_told = verb in _SHIFTING
    opinion = verb if verb in _THINKING else ""
    return Claim(tokens[at + has_that :], texts[0], opinion, is_shifted=is_told)


def _read_aside(tokens: tuple[Token, ...], texts: list[str]) -> Claim | None:
    """Read "…, Ann said", "…, she pointed out" and "…, Ann said, …"."""
    for at in range(2, len(texts) - 1):
        if not _is_source(texts[at]) or tokens[at].gap is not SeparatorKind.COMMA:
            continue
        verb = texts[at + 1]
        is_pointed_out = verb in {"pointed", "points"} and texts[at + 2 : at + 3] == ["out"]
        if verb not in _SAYING | _THINKING and not is_pointed_out:
            continue
        end = at + 2 + is_pointed_out
        if end >= len(texts) or tokens[end].gap is SeparatorKind.COMMA:
            rest = tokens[:at] + tokens[end:]
            opinion = verb if verb in _THINKING else ""
            return Claim(rest, texts[at], opinion, is_source_behind=end >= len(texts))
    return None
