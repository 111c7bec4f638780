"""Reads a text for negation: its words by stem, with "not" and its kin marked as cues.

All cues are one sign, so that "doesn't", "never" and "ain't" answer one another. What only looks
like a negation is left out (an interjected "no", the tag "isn't it?") or marked as faint ("not
only", "I don't know," as a filler): it may be dropped together with its neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from grounding.text.lexicon import is_only_adjective
from grounding.text.words import AS_SUBJECTS, FUNCTION_WORDS, Word, listed, spoken_words, stem

CUE: Final = "¬"
MOST_SENTENCES: Final = 40
"""Sentences of a statement that are compared with the evidence, each with all of it."""

_CUES = listed(
    """not never no none nobody nothing neither nor nowhere without hardly barely scarcely refuse
    refuses refused refusing cannot"""
)
_AMOUNTS = listed("no none nobody nothing neither nor nowhere")
_SOFT = listed(
    """few little lack lacks lacked fail fails failed unable stop stops stopped quit avoid avoids
    avoided deny denies denied reject rejects rejected rarely seldom dislike dislikes disliked
    hate hates hated unless instead rather too unlikely impossible against free rid difficult
    hard tough trouble"""
)
_BARE = listed(
    """dont doesnt didnt isnt wasnt werent arent aint cant couldnt wouldnt shouldnt havent hasnt
    hadnt wont"""
)
_EXPANDED = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "be", "aint": "be"}
_SAME = dict.fromkeys(("do", "does", "did"), "do") | dict.fromkeys(
    ("is", "are", "was", "were", "be", "am", "been"), "be"
)
_PRONOUNS = listed("i you he she it we they there this that")
_TAKING_BACK = listed("but though although yet")
_LAST = frozenset({CUE, "do", "have", "be", "can", "could", "will", "would"})
_BREAKS = re.compile(r"[,;:!?…—\u2013()\[\]\"“”]|\.(?!\w)|-\s|-\.|--")
ENDS = re.compile(r"[!?…]|\.(?!\w)")
_CONTRASTS = listed("but because 'cause cause so although though while whereas however")
_SHORTEST_BASE = 4
_NOT_ONLY = listed("only just merely simply")
_AFTER_INTERJECTION = (FUNCTION_WORDS | _CUES) - listed("one more other way real good longer")


@dataclass(frozen=True, slots=True)
class Token:
    """A word as negation sees it.

    Attributes:
        key: its stem, or ``CUE``.
        opens: whether a new clause begins with it.
        starts: whether a new sentence begins with it.
        is_content: whether it carries content.
        is_faint: whether it is a cue that a true note may drop with the word after it.
        is_amount: whether it is a cue that tells how much, as "no" and "nobody" do.
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
def tokens(text: str) -> tuple[Token, ...]:
    """A text's words for the comparison of negations."""
    words = spoken_words(text)
    return _taken_back([token for at in range(len(words)) for token in _tokens(words, at)])


def sentences(read: Sequence[Token]) -> Iterator[tuple[Token, ...]]:
    """The tokens, sentence by sentence; those after ``MOST_SENTENCES`` are taken for one."""
    begin = count = 0
    for at, token in enumerate(read):
        if token.starts and at > begin:
            count += 1
            if count == MOST_SENTENCES:
                break
            yield tuple(read[begin:at])
            begin = at
    if read:
        yield tuple(read[begin:])


def _taken_back(read: Sequence[Token]) -> tuple[Token, ...]:
    """A negation without a verb goes to the one it denies: "promised to fix it, but never did"."""
    clauses = list(_clauses(read))
    for at in range(1, len(clauses)):
        before, denying = clauses[at - 1], clauses[at]
        if not _takes_back(before, denying):
            continue
        keys = [one.key for one in before]
        weighing = [place for place, one in enumerate(before) if one.is_content]
        to = len(keys) - 1 - keys[::-1].index("to") if "to" in keys else -1
        place = to + 1 if to >= 0 else weighing[0]
        cue = Token(CUE, opens=False, starts=False, is_content=False, is_late=True)
        clauses[at - 1] = [*before[:place], cue, *before[place:]]
        clauses[at] = [one for one in denying if not one.is_cue]
    return tuple(token for clause in clauses for token in clause)


def _takes_back(before: Sequence[Token], denying: Sequence[Token]) -> bool:
    """Whether a clause only denies the one before it, of the same person."""
    keys = [one.key for one in denying]
    if denying[0].starts or keys[0] not in _TAKING_BACK or CUE not in keys:
        return False
    if any(one.is_content for one in denying) or not any(one.is_content for one in before):
        return False
    who = [key for key in keys if key in _PRONOUNS]
    known = {AS_SUBJECTS.get(one.key, one.key) for one in before}
    ends = len(keys) - 1 - keys.index(CUE) <= 1 and keys[-1] in _LAST
    return ends and not any(one.is_cue for one in before) and {*who} <= known


def _clauses(read: Sequence[Token]) -> Iterator[list[Token]]:
    begin = 0
    for at in range(1, len(read) + 1):
        if at == len(read) or read[at].opens or read[at].starts:
            yield list(read[begin:at])
            begin = at


def _tokens(words: Sequence[Word], at: int) -> Iterator[Token]:
    word = words[at]
    opens, starts = opens_clause(words, at), bool(ENDS.search(word.before))
    negates = _negates(word.text) and not _is_undone(words, at)
    text = _undone(word.text) if at and _is_undone(words, at - 1) else word.text
    if negates and word.text not in _CUES:
        base = _EXPANDED.get(word.text) or word.text.removesuffix("n't").removesuffix("nt")
        yield _plain(base, opens=opens, starts=starts)
        opens = starts = False
    if not negates:
        yield _plain(text, opens=opens, starts=starts)
    elif word.text == "cannot":
        yield _plain("can", opens=opens, starts=starts)
        yield Token(CUE, opens=False, starts=False, is_content=False)
    elif not _only_looks_negative(words, at):
        faint = _is_faint(words, at)
        amount = word.text in _AMOUNTS
        yield Token(CUE, opens, starts, is_content=False, is_faint=faint, is_amount=amount)


def _is_undone(words: Sequence[Word], at: int) -> bool:
    """Whether it is the "not" of "not uncommon", which is common."""
    following = words[at + 1].text if at + 1 < len(words) else ""
    return words[at].text == "not" and bool(_undone(following))


def _undone(word: str) -> str:
    """What an adjective with "un-" denies; nothing if it is none, as "unless" and "unpack"."""
    base = word.removeprefix("un")
    denies = base != word and len(base) >= _SHORTEST_BASE
    return base if denies and is_only_adjective(word) and is_only_adjective(base) else ""


def _plain(text: str, *, opens: bool, starts: bool) -> Token:
    is_content = text not in FUNCTION_WORDS and text not in _SAME
    key = stem(text) if is_content else _SAME.get(text, text)
    return Token(key, opens, starts, is_content, text in _SOFT)


def _negates(text: str) -> bool:
    return text in _CUES or text in _BARE or text.endswith("n't")


def opens_clause(words: Sequence[Word], at: int) -> bool:
    """A clause begins after punctuation, with a contrast, or with "and" before a subject."""
    word = words[at]
    if at == 0 or _BREAKS.search(word.before) or word.text in _CONTRASTS:
        return True
    following = words[at + 1].text if at + 1 < len(words) else ""
    return word.text in {"and", "or"} and following.split("'")[0] in _PRONOUNS


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


def _is_faint(words: Sequence[Word], at: int) -> bool:
    """Whether it is that of "not only", or of "I don't know" as a filler before a pause."""
    following = words[at + 1 : at + 3]
    if not following or _BREAKS.search(following[0].before):
        return False
    if words[at].text == "not":
        return following[0].text in _NOT_ONLY
    said = [word.text for word in words[max(at - 1, 0) : at + 2]]
    pauses = len(following) == 1 or bool(_BREAKS.search(following[1].before))
    return said == ["i", "don't", "know"] and pauses
