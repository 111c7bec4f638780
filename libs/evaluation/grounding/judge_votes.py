"""Ask judges about the notes of labelled pairs, and keep what they answered in a file."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import (
    HandlerTimedOutError,
    OutageError,
    ParkedError,
    RetryableError,
    ThrottledError,
)
from evaluation.errors import InputError
from evaluation.grounding.pairs import LabelledPair
from grounding.assessment import CheckedNote


class JudgeVote(StrEnum):
    """Vote of a judge on a note."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SUPPORTED = "not_supported"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """Answer of a judge on one note, with what it took.

    Attributes:
        vote: what it says.
        calls: calls that were made, or had been made when it was cached. What a call about several
            notes took stands with the first of them.
        tokens: tokens of prompts and answers.
        cost_usd: what they cost; None if no price is known.
        is_cached: whether it was answered before, and cost nothing now.
        probability: how probable the model holds support, from 0 to 1; None if it does not say.
        error: the code of what kept it from answering; empty if nothing did.
    """

    vote: JudgeVote
    calls: int = 1
    tokens: int = 0
    cost_usd: Decimal | None = None
    is_cached: bool = False
    probability: float | None = None
    error: str = ""


PairNote = tuple[LabelledPair, CheckedNote]
"""A labelled pair, with its note as the checks left it."""


class PairJudge(Protocol):
    """Judge of the notes of labelled pairs."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    async def __call__(self, notes: Sequence[PairNote]) -> Sequence[JudgeAnswer]:
        """Return its answers on notes on one passage, in the same order.

        Raises:
            OnrecordError: what kept the model from answering.
        """
        ...


class StoredVote(BaseModel):
    """Line of the file of votes: one judge's answer on one pair.

    Attributes:
        key: hash of the judge, the note and the passage; one that differs is asked about anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    place: str
    judge: str
    vote: JudgeVote
    calls: int = 1
    tokens: int = 0
    cost_usd: Decimal | None = None
    probability: float | None = None


class VoteFile:
    """File of votes, a JSON object a line, that a repeated measurement goes on with.

    Args:
        path: where it is; None to keep nothing.

    Raises:
        InputError: it is there and cannot be read; the message says in which line.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._votes = {one.key: one for one in _read_votes(path)}

    def find(self, judge: str, pair: LabelledPair) -> JudgeAnswer | None:
        """Return a judge's vote on a pair; None if it has none yet."""
        one = self._votes.get(_build_key(judge, pair))
        if one is None:
            return None
        return JudgeAnswer(
            one.vote,
            one.calls,
            one.tokens,
            one.cost_usd,
            is_cached=True,
            probability=one.probability,
        )

    def add(self, judge: str, pair: LabelledPair, answer: JudgeAnswer) -> None:
        """Write a vote at the end of the file; what kept a judge from answering is none.

        Raises:
            InputError: the file cannot be written.
        """
        if self._path is None or answer.error:
            return
        line = StoredVote(
            key=_build_key(judge, pair),
            place=pair.place,
            judge=judge,
            vote=answer.vote,
            calls=answer.calls,
            tokens=answer.tokens,
            cost_usd=answer.cost_usd,
            probability=answer.probability,
        )
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line.model_dump_json() + "\n")
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror}") from error


def _read_votes(path: Path | None) -> Iterable[StoredVote]:
    text = _read_whole_lines(path) if path is not None else ""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            yield StoredVote.model_validate_json(line)
        except ValidationError as error:
            raise InputError(f"{path}: line {number} is no vote of a judge") from error


_BEGIN = '{"key":"'
"""How every line of the file begins."""


def _read_whole_lines(path: Path) -> str:
    """Return a file's text; cut off a last line without its end, whose writer was killed.

    Only a line of votes: another kind of file stays as it is.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole, end, cut = text.rpartition("\n")
        if not (cut.startswith(_BEGIN) or _BEGIN.startswith(cut)):
            raise InputError(f"{path}: its last line is no vote of a judge")
        if cut:
            path.write_text(whole + end, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be used as a file of votes: {error}") from error
    return whole + end


def list_turns(pair: LabelledPair) -> list[tuple[str, str, str]]:
    """List speaker, role and words of each turn of a pair's passage, which identify it."""
    return [(one.speaker, one.role.value, one.text) for one in pair.chunk.segments]


def _build_key(judge: str, pair: LabelledPair) -> str:
    identity = json.dumps([judge, pair.draft.statement, list_turns(pair)], ensure_ascii=False)
    return hashlib.sha256(identity.encode()).hexdigest()


_UNANSWERED = (RetryableError, HandlerTimedOutError, ParkedError)
"""Failures of one call, whose notes count as not answered; an outage ends the measurement."""

Votes = Mapping[str, Sequence[JudgeAnswer]]
"""Each judge's answers by its name, in the order of the pairs."""


async def collect_votes(
    judges: Sequence[PairJudge],
    notes: Sequence[PairNote],
    kept: VoteFile,
    *,
    at_once: int,
    report: Callable[[int], None] = lambda _: None,
) -> Votes:
    """Ask every judge about every note, about those on one passage together.

    Args:
        judges: with different names.
        notes: the pairs, with their notes as the checks left them.
        kept: votes of an earlier measurement, which are not asked for again.
        at_once: how many passages are asked about at the same time.
        report: called with the number of answers there are, after each.

    Raises:
        OutageError: a judge cannot be reached; votes until then are in the file.
        ThrottledError: a judge asks to be called much later.
    """
    slots, done = asyncio.Semaphore(at_once), 0
    votes = {judge.name: [kept.find(judge.name, pair) for pair, _ in notes] for judge in judges}

    def count(answers: int) -> None:
        nonlocal done
        for _ in range(answers):
            done += 1
            report(done)

    async def ask(judge: PairJudge, places: Sequence[int]) -> None:
        given = votes[judge.name]
        missing = [at for at in places if given[at] is None]
        count(len(places) - len(missing))
        if not missing:
            return
        async with slots:
            answers = await _ask(judge, [notes[at] for at in missing])
        for at, answer in zip(missing, answers, strict=True):
            given[at] = answer
            kept.add(judge.name, notes[at][0], answer)
        count(len(missing))

    passages: dict[object, list[int]] = {}
    for at, (pair, _) in enumerate(notes):
        passages.setdefault(tuple(list_turns(pair)), []).append(at)
    try:
        async with asyncio.TaskGroup() as group:
            for judge in judges:
                for places in passages.values():
                    group.create_task(ask(judge, places))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return {name: [one for one in given if one is not None] for name, given in votes.items()}


async def _ask(judge: PairJudge, notes: Sequence[PairNote]) -> Sequence[JudgeAnswer]:
    try:
        return await judge(notes)
    except (OutageError, ThrottledError):
        raise
    except _UNANSWERED as error:
        return [JudgeAnswer(JudgeVote.NO_ANSWER, error=error.code.value)] * len(notes)
