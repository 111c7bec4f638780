"""Prove a statement: each of its words is said, in order, and nothing around them changes them.

A statement is proven if each of its sentences is, or each clause that "and" or "but" joins in one.
The search is bounded: a statement that takes more steps than `MAX_STEPS` is not proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from grounding.standing.claims import Claim, split_claims
from grounding.standing.matching import (
    Match,
    WindowWords,
    match_claim,
    refers_to_speaker,
)
from grounding.standing.names import is_speaker_placeholder
from grounding.standing.reordering import list_reordered_claims
from grounding.standing.scope import OBJECTIONS, SURROUNDINGS
from grounding.standing.tokens import SeparatorKind
from grounding.standing.turns import Turn
from grounding.standing.vocabulary import SUBJECTS

MAX_STEPS: Final = 400_000
"""Pairs of a statement's and a turn's words that are compared for one statement at most."""
MAX_ALTERNATIVES: Final = 16
"""Ways to split sentences into clauses that are tried for one statement at most."""
_MIN_CLAUSE: Final = 3
"""Words that a clause has at least; fewer are a list's entry."""
_MIN_SENTENCE: Final = 2
"""Words that a clause has at least behind "and", if it begins with a subject: "and it leaked"."""
_MIN_SPOKEN_SHARE: Final = 0.5
_NOTHING_SAID: Final = "no passage says its words in this order"


@dataclass(frozen=True, slots=True)
class ProofResult:
    """Result of trying to prove a statement from the transcript: matches, or an objection.

    Attributes:
        matches: where each of its clauses is said; empty if it is not proven.
        objection: why it is not proven; empty if it is.
    """

    matches: tuple[Match, ...] = ()
    objection: str = ""


@dataclass
class _Search:
    """State of the search for a proof of one statement.

    Attributes:
        turns: the chunk's turns.
        steps: comparisons that are left.
        alternatives: ways to split a sentence into clauses that are left to be tried.
    """

    turns: Sequence[Turn]
    steps: int = MAX_STEPS
    alternatives: int = MAX_ALTERNATIVES
    objection: str = ""
    _words: dict[tuple[int, int, int], WindowWords] = field(default_factory=dict)
    _tried: dict[tuple[int, int, int | None], Match | None] = field(default_factory=dict)

    def prove_in_parts(self, claim: Claim, speaker: int | None) -> tuple[Match, ...]:
        """Return the match of a claim, or those of its clauses; empty if it is not proven."""
        whole = self._find_match(claim, speaker)
        if whole is not None and not self._object_to_surroundings(whole):
            return (whole,)
        for parts in self._list_parts(claim, speaker):
            # What one clause leaves out around it, another one of the same sentence may say.
            proven = [self._with_proven(part, parts) for part in parts]
            if not any(self._object_to_surroundings(part) for part in proven):
                return tuple(proven)
            self.alternatives -= 1
            if self.alternatives < 0:
                break
        return ()

    def _list_parts(self, claim: Claim, speaker: int | None) -> Iterator[tuple[Match, ...]]:
        """Yield matches of a claim's clauses, of at least two, one tuple a way to split it."""
        for end, begin in _list_splits(claim):
            if self.alternatives < 0:
                return
            first = self._find_match(replace(claim, tokens=claim.tokens[:end]), speaker)
            if first is None:
                continue
            rest = replace(
                claim,
                tokens=claim.tokens[begin:],
                is_continued=True,
                spoken_subject=first.pairs[0][2] if first.begins_with_speaker else "",
                joined_by=claim.tokens[end].text if begin > end else "",
            )
            other = self._find_match(rest, first.turn.speaker)
            if other is not None:
                yield (first, other)
            for others in self._list_parts(rest, first.turn.speaker):
                yield (first, *others)

    def _with_proven(self, match: Match, parts: Sequence[Match]) -> Match:
        said = (part.taken for part in parts if part.at == match.at and part is not match)
        return replace(match, proven=frozenset[int]().union(*said))

    def _object_to_surroundings(self, match: Match) -> str:
        objection = next((found for one in SURROUNDINGS if (found := one(match))), "")
        self.objection = self.objection or objection
        return objection

    def _find_match(self, claim: Claim, speaker: int | None) -> Match | None:
        """Return a match to which itself nothing is objected; best one left alone around, too."""
        key = (claim.tokens[0].start, claim.tokens[-1].start, speaker)
        if key not in self._tried:
            self._tried[key] = self._choose_match(claim, speaker)
        return self._tried[key]

    def _choose_match(self, claim: Claim, speaker: int | None) -> Match | None:
        chosen: Match | None = None
        for at, window in self._list_windows(claim, speaker):
            for match in self._list_matches(claim, at, window, is_named=speaker is not None):
                objection = next((found for one in OBJECTIONS if (found := one(match))), "")
                self.objection = self.objection or objection
                if not objection and not self._object_to_surroundings(match):
                    return match
                if not objection and chosen is None:
                    chosen = match
        return chosen

    def _list_matches(
        self, claim: Claim, at: int, window: range, *, is_named: bool
    ) -> Iterator[Match]:
        """Yield the matches of a claim with a window, in its own order and with adjuncts moved."""
        self.steps -= len(claim.tokens) * len(window)
        if self.steps < 0:
            self.objection = "it takes too long to compare"
            return
        if self._read_words(at, window).lacks(claim):
            return
        for ordered in (claim, *list_reordered_claims(claim)):
            self.steps -= len(claim.tokens) * len(window)
            if self.steps < 0:
                return
            match = match_claim(ordered, self.turns, at, window, is_speaker_named=is_named)
            if match is not None:
                yield match

    def _read_words(self, at: int, window: range) -> WindowWords:
        key = (at, window.start, window.stop)
        if key not in self._words:
            self._words[key] = WindowWords(self.turns[at], window)
        return self._words[key]

    def _list_windows(self, claim: Claim, speaker: int | None) -> Iterator[tuple[int, range]]:
        for at, turn in enumerate(self.turns):
            if not turn.cited or (speaker is not None and turn.speaker != speaker):
                continue
            if speaker is None and claim.source and not _may_be_source(claim.source, turn):
                continue
            if self._read_words(at, range(len(turn.speech))).lacks(claim):
                continue  # and so does each of its windows
            for window in turn.list_windows():
                if len(window) >= _MIN_SPOKEN_SHARE * len(claim.tokens):
                    yield at, window


def _may_be_source(source: str, turn: Turn) -> bool:
    """Return whether "she" or "the participant" may be who speaks in a turn."""
    return (
        refers_to_speaker(source, turn)
        if is_speaker_placeholder(source)
        else turn.may_be_participant
    )


def _list_splits(claim: Claim) -> Iterator[tuple[int, int]]:
    """Yield where a first clause ends and the next one begins."""
    for at in range(_MIN_CLAUSE, len(claim.tokens) - _MIN_SENTENCE + 1):
        one, before = claim.tokens[at], claim.tokens[at - 1]
        is_long = at <= len(claim.tokens) - _MIN_CLAUSE
        if before.text in {"and", "but"} and at > _MIN_CLAUSE:
            if is_long or one.text in SUBJECTS:
                yield at - 1, at
        elif is_long and one.gap is SeparatorKind.COMMA and one.text not in {"and", "but"}:
            yield at, at


def prove_statement(statement: str, labels: Sequence[str], turns: Sequence[Turn]) -> ProofResult:
    """Try to prove a note's statement by rules from the turns it cites; return the result.

    Args:
        statement: the note's statement.
        labels: the labels of all who speak, which turns and claims refer to by index.
        turns: the chunk's turns.

    Returns:
        Where it is said, or why it is not proven. Never raises.
    """
    search = _Search(turns)
    speaker: int | None = None
    matches: list[Match] = []
    for claim in split_claims(statement, labels):
        if is_speaker_placeholder(claim.source) and claim.source[1:].isdigit():
            speaker = int(claim.source[1:])
        found = search.prove_in_parts(claim, speaker)
        if not found:
            return ProofResult(objection=search.objection or _NOTHING_SAID)
        speaker = found[-1].turn.speaker
        matches.extend(found)
    return ProofResult(tuple(matches), "" if matches else _NOTHING_SAID)
