"""Tokenize a text for comparing negations: words by stem, with "not" and its kin as cues.

All cues are one sign, so that "doesn't", "never" and "ain't" answer one another. What only looks
like a negation is left out (an interjected "no", the tag "isn't it?") or marked as faint ("not
only", "I don't know," as a filler): it may be dropped together with its neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from grounding.text.lexicon import is_only_adjective
from grounding.text.words import (
    AS_SUBJECTS,
    FUNCTION_WORDS,
    Word,
    parse_word_list,
    split_spoken_words,
    stem_word,
)

CUE: Final = "¬"
MAX_SENTENCES: Final = 40
"""Sentences of a statement that are compared with the evidence, each with all of it."""

_CUES = parse_word_list(
    """not never no none nobody nothing neither nor nowhere without hardly barely scarcely refuse
    refuses refused refusing cannot"""
)
_AMOUNTS = parse_word_list("no none nobody nothing neither nor nowhere")
_SOFT = parse_word_list(
    """few little lack lacks lacked fail fails failed unable stop stops stopped quit avoid avoids
    avoided deny denies denied reject rejects rejected rarely seldom dislike dislikes disliked
    hate hates hated unless instead rather too unlikely impossible against free rid difficult
    hard tough trouble"""
)
_BARE = parse_word_list(
    """dont doesnt didnt isnt wasnt werent arent aint cant couldnt wouldnt shouldnt havent hasnt
    hadnt wont"""
)
_EXPANDED = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "be", "aint": "be"}
_SAME = dict.fromkeys(("do", "does", "did"), "do") | dict.fromkeys(
    ("is", "are", "was", "were", "be", "am", "been"), "be"
)
_PRONOUNS = parse_word_list("i you he she it we they there this that")
_TAKING_BACK = parse_word_list("but though although yet")
_LAST = frozenset({CUE, "do", "have", "be", "can", "could", "will", "would"})
_BREAKS = re.compile(r"[,;:!?…—\u2013()\[\]\"“”]|\.(?!\w)|-\s|-\.|--")
SENTENCE_END = re.compile(r"[!?…]|\.(?!\w)")
_CONTRASTS = parse_word_list("but because 'cause cause so although though while whereas however")
_SHORTEST_BASE = 4
_NOT_ONLY = parse_word_list("only just merely simply")
_AFTER_INTERJECTION = (FUNCTION_WORDS | _CUES) - parse_word_list(
    "one more other way real good longer"
)


class PolarityToken(NamedTuple):
    """Word or negation of a text, to compare which words are negated.

    Attributes:
        key: its stem, or ``CUE``.
        opens: whether a new clause begins with it.
        starts: whether a new sentence begins with it.
        is_content: whether it carries content.
        is_faint: whether it is a cue that a true note may drop with the word after it.
        is_amount: whether it is a cue that is an amount, as "no" and "nobody" do.
        is_late: whether it is a cue that stands here for a later clause, which takes this back.
        is_soft: whether it can stand for a negation without being one ("fail to", "rarely").
    """

    key: str
    opens: bool
    starts: bool
    is_content: bool
    is_soft: bool = False
    is_faint: bool = False
    is_amount: bool = False
    is_late: bool = False

    @property
    def is_cue(self) -> bool:
        """Whether it negates."""
        return self.key == CUE


@lru_cache(maxsize=256)
def tokenize_polarity(text: str) -> tuple[PolarityToken, ...]:
    """Split a text into words and negations, to compare which words are negated."""
    words = split_spoken_words(text)
    return _attach_retractions(
        [token for at in range(len(words)) for token in _tokenize_word(words, at)]
    )


def group_polarity_tokens(read: Sequence[PolarityToken]) -> Iterator[tuple[PolarityToken, ...]]:
    """Group a text's words and negations by sentence; yield a list for each sentence."""
    begin = count = 0
    for at, token in enumerate(read):
        if token.starts and at > begin:
            count += 1
            if count == MAX_SENTENCES:
                break
            yield tuple(read[begin:at])
            begin = at
    if read:
        yield tuple(read[begin:])


def _attach_retractions(read: Sequence[PolarityToken]) -> tuple[PolarityToken, ...]:
    """Move a negation without a verb to the clause it negates: "promised it, but never did"."""
    clauses = list(_split_clauses(read))
    for at in range(1, len(clauses)):
        before, denying = clauses[at - 1], clauses[at]
        if not _is_retraction(before, denying):
            continue
        keys = [one.key for one in before]
        content_places = [place for place, one in enumerate(before) if one.is_content]
        to = len(keys) - 1 - keys[::-1].index("to") if "to" in keys else -1
        place = to + 1 if to >= 0 else content_places[0]
        cue = PolarityToken(CUE, opens=False, starts=False, is_content=False, is_late=True)
        clauses[at - 1] = [*before[:place], cue, *before[place:]]
        clauses[at] = [one for one in denying if not one.is_cue]
    return tuple(token for clause in clauses for token in clause)


def _is_retraction(before: Sequence[PolarityToken], denying: Sequence[PolarityToken]) -> bool:
    """Return whether a clause only negates the one before it, of the same person."""
    keys = [one.key for one in denying]
    if denying[0].starts or keys[0] not in _TAKING_BACK or CUE not in keys:
        return False
    if any(one.is_content for one in denying) or not any(one.is_content for one in before):
        return False
    who = [key for key in keys if key in _PRONOUNS]
    known = {AS_SUBJECTS.get(one.key, one.key) for one in before}
    ends = len(keys) - 1 - keys.index(CUE) <= 1 and keys[-1] in _LAST
    return ends and not any(one.is_cue for one in before) and {*who} <= known


def _split_clauses(read: Sequence[PolarityToken]) -> Iterator[list[PolarityToken]]:
    begin = 0
    for at in range(1, len(read) + 1):
        if at == len(read) or read[at].opens or read[at].starts:
            yield list(read[begin:at])
            begin = at


def _tokenize_word(words: Sequence[Word], at: int) -> Iterator[PolarityToken]:
    word = words[at]
    opens = is_clause_start(words, at)
    starts = word.before != " " and bool(SENTENCE_END.search(word.before))
    negates = _negates(word.text) and not _cancels_prefix(words, at)
    text = _strip_un(word.text) if at and _cancels_prefix(words, at - 1) else word.text
    if negates and word.text not in _CUES:
        base = _EXPANDED.get(word.text) or word.text.removesuffix("n't").removesuffix("nt")
        yield _build_token(base, opens=opens, starts=starts)
        opens = starts = False
    if not negates:
        yield _build_token(text, opens=opens, starts=starts)
    elif word.text == "cannot":
        yield _build_token("can", opens=opens, starts=starts)
        yield PolarityToken(CUE, opens=False, starts=False, is_content=False)
    elif not _only_looks_negative(words, at):
        faint = _is_weak_cue(words, at)
        amount = word.text in _AMOUNTS
        yield PolarityToken(CUE, opens, starts, is_content=False, is_faint=faint, is_amount=amount)


def _cancels_prefix(words: Sequence[Word], at: int) -> bool:
    """Return whether it is the "not" of "not uncommon", which is common."""
    following = words[at + 1].text if at + 1 < len(words) else ""
    return words[at].text == "not" and bool(_strip_un(following))


def _strip_un(word: str) -> str:
    """Return the adjective without its "un-"; empty if it is none, as "unless" and "unpack"."""
    base = word.removeprefix("un")
    denies = base != word and len(base) >= _SHORTEST_BASE
    return base if denies and is_only_adjective(word) and is_only_adjective(base) else ""


@lru_cache(maxsize=20_000)
def _build_token(text: str, *, opens: bool, starts: bool) -> PolarityToken:
    is_content = text not in FUNCTION_WORDS and text not in _SAME
    key = stem_word(text) if is_content else _SAME.get(text, text)
    return PolarityToken(key, opens, starts, is_content, text in _SOFT)


def _negates(text: str) -> bool:
    return text in _CUES or text in _BARE or text.endswith("n't")


def is_clause_start(words: Sequence[Word], at: int) -> bool:
    """Return whether a clause begins at a token: after punctuation, at "but" or at "and"."""
    word = words[at]
    if at == 0 or word.text in _CONTRASTS:
        return True
    if word.before != " " and _BREAKS.search(word.before):
        return True
    if word.text not in {"and", "or"}:
        return False
    following = words[at + 1].text if at + 1 < len(words) else ""
    return following.split("'")[0] in _PRONOUNS


def _only_looks_negative(words: Sequence[Word], at: int) -> bool:
    text = words[at].text
    following = words[at + 1] if at + 1 < len(words) else None
    ends = following is None or bool(_BREAKS.search(following.before))
    after = "" if following is None else following.text
    if text == "no":
        return ends or after in _AFTER_INTERJECTION or "'" in after
    return text.endswith("n't") and not ends and after in _PRONOUNS and _is_tag(words, at)


def _is_tag(words: Sequence[Word], at: int) -> bool:
    """Whether it only asks for assent: "isn't it?", "don't you think?" at the end of a clause."""
    rest = words[at + 2 : at + 3]
    if not rest or _BREAKS.search(rest[0].before):
        return True
    closing = words[at + 3].before if at + 3 < len(words) else "."
    return rest[0].text in {"think", "know", "agree"} and bool(_BREAKS.search(closing))


def _is_weak_cue(words: Sequence[Word], at: int) -> bool:
    """Return whether it is that of "not only", or of "I don't know" as a filler before a pause."""
    following = words[at + 1 : at + 3]
    if not following or _BREAKS.search(following[0].before):
        return False
    if words[at].text == "not":
        return following[0].text in _NOT_ONLY
    said = [word.text for word in words[max(at - 1, 0) : at + 2]]
    pauses = len(following) == 1 or bool(_BREAKS.search(following[1].before))
    return said == ["i", "don't", "know"] and pauses
