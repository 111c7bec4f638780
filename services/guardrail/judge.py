"""Ask judging models about the notes that no rule vouches for.

The models only decide whether what was said supports a statement. Their reasons are shown beside a
rejected note, as their own words, and decide nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from contracts.call_purposes import JUDGE
from contracts.errors import OnrecordError, OutageError, ThrottledError
from contracts.events import NotesDrafted
from contracts.notes import Standing
from contracts.study import PersonalData, StatementPolicy
from database.erasures import ErasedTranscripts
from grounding import CheckedNote
from grounding.checks import DOUBT_NAMES
from grounding.uncertainty import list_unsupported_words
from guardrail.judge_metrics import record_judge_replies
from guardrail.judge_votes import JudgeVote, VoteRule, apply_votes
from guardrail.policy import CheckPolicy
from judging.questions import Judge, JudgeQuestion, JudgeReply, build_judge_questions
from model_client import CostAttribution, ModelClient

ONE_VOTE: Final = VoteRule()
"""The rule of a single judge that is asked once."""

_TIME_TO_DECIDE_S: Final = 0.5
"""Seconds before a draft's deadline at which judges have to be done: the rest of its notes is
decided, and goes on without them."""

_WHOLE: Final = 2**32


class NoteReviewer(Protocol):
    """Interface of functions that review notes which the rules could not decide."""

    async def __call__(
        self, drafted: NotesDrafted, checked: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """Return the notes in the same order."""
        ...


class ErasureAwareReviewer:
    """Reviewer that asks no model about an interview that was erased on request.

    Its notes stay as they are; persistence drops them.

    Args:
        review: reviews the notes of all other interviews.
        erased: the interviews that were erased.
    """

    def __init__(self, review: NoteReviewer, erased: ErasedTranscripts) -> None:
        self._review = review
        self._erased = erased

    async def __call__(
        self, drafted: NotesDrafted, checked: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """Review notes unless their interview was erased."""
        if await self._erased.contains(drafted.chunk.transcript_id):
            return tuple(checked)
        return await self._review(drafted, checked, deadline=deadline)


def needs_judging(checked: CheckedNote, policy: CheckPolicy) -> bool:
    """Return whether a note must be judged: it is neither proven nor certainly refuted.

    It is if nothing vouches for its statement and no check refuses it that errs too seldom to be
    overturned: checks that only doubt do not keep a note from the judge, unless operators have set
    that they refuse it.
    """
    return (
        checked.standing is Standing.UNPROVEN
        and bool(checked.evidence)
        and all(one.check in DOUBT_NAMES for one in checked.failures)
        and not policy.rejects(checked.failures)
        and not (policy.refuses_own_words() and list_unsupported_words(checked))
    )


@dataclass(frozen=True, slots=True)
class PanelOptions:
    """Options of a judge panel: which notes it is asked about, and how its votes count.

    Attributes:
        rule: how many have to agree.
        share: of the notes in doubt, how many are asked about, from 0 to 1; the others stay as the
            checks left them. The same note is always asked about, or never.
        personal_data: what becomes of personal data in studies that do not say.
        policy: what a failed check means; what it refuses is not asked about.
    """

    rule: VoteRule = ONE_VOTE
    share: float = 1.0
    personal_data: PersonalData = PersonalData.ALLOW
    policy: CheckPolicy = field(default_factory=CheckPolicy)


DEFAULT_OPTIONS: Final = PanelOptions()
"""The options where none are given."""


class JudgePanel:
    """Panel of judging models that vote on whether notes are supported by their quotes.

    Args:
        judges: asked side by side; at least one.
        clients: their clients, for what keeps them from answering.
        options: which notes they are asked about, and how their votes count.
    """

    def __init__(
        self,
        judges: Sequence[Judge],
        clients: Sequence[ModelClient],
        options: PanelOptions = DEFAULT_OPTIONS,
    ) -> None:
        self._judges = judges
        self._clients = clients
        self._options = options

    @property
    def notice(self) -> str:
        """The reason why a judging model cannot be asked now; empty if all can."""
        return next((one.notice for one in self._clients if one.notice), "")

    async def check_dependencies(self) -> None:
        """Check that what asking the judging models needs is there.

        Raises:
            DatabaseUnavailableError: there may be a budget, and it cannot be asked.
        """
        for client in self._clients:
            await client.check_dependencies()

    async def __call__(
        self, drafted: NotesDrafted, checked: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """Ask every judge about the notes that nothing vouches for, in as few calls as fit.

        A note is confirmed if enough judges support it, and refused if enough find that what was
        said contradicts it. Otherwise it stays unproven, with a flag that says what the judges
        said: so it does if they disagree, are late, or give no answer that counts. Of a study that
        shows no statements, nothing is asked.

        Args:
            drafted: the draft the notes are of.
            checked: its notes, checked, in order.
            deadline: when the draft must be done, by the event loop's clock, in seconds; judges
                that are later than shortly before are absent.

        Raises:
            model_client.errors: what keeps so many judges from answering any request, such as an
                outage, that the others are too few to decide.
        """
        asked = [at for at, one in enumerate(checked) if self._is_asked_about(one, drafted)]
        if not asked:
            record_judge_replies(())
            return tuple(checked)
        chunk = drafted.chunk
        attribution = CostAttribution(chunk.study.study_id, chunk.key, JUDGE)
        questions = build_judge_questions((checked[at] for at in asked), chunk)
        replies = await self._collect_replies(
            questions, attribution, deadline=deadline - _TIME_TO_DECIDE_S
        )
        record_judge_replies(replies)
        policy = chunk.study.personal_data or self._options.personal_data
        shows_words = policy is PersonalData.ALLOW
        rule, reviewed = self._options.rule, list(checked)
        for place, at in enumerate(asked):
            votes = [
                JudgeVote(judge.name, reply.rulings[place], reply.errors[place])
                for judge, reply in zip(self._judges, replies, strict=True)
            ]
            reviewed[at] = apply_votes(checked[at], votes, rule, shows_words=shows_words)
        return tuple(reviewed)

    async def _collect_replies(
        self, questions: Sequence[JudgeQuestion], attribution: CostAttribution, *, deadline: float
    ) -> list[JudgeReply]:
        """Ask all judges, and wait for each whatever becomes of another.

        What keeps one from answering any request holds the draft up only if the others are too few
        to decide: they may be there again soon, and what they said is cached.
        """
        outcomes = await asyncio.gather(
            *(one.rule(questions, attribution, deadline=deadline) for one in self._judges),
            return_exceptions=True,
        )
        replies: list[JudgeReply] = []
        failures: list[OnrecordError] = []
        for one in outcomes:
            if isinstance(one, OnrecordError):
                failures.append(one)
                replies.append(_build_absent_reply(one, len(questions)))
            elif isinstance(one, BaseException):
                raise one
            else:
                replies.append(one)
        if failures and len(replies) - len(failures) < self._options.rule.needed:
            # What passes by waiting goes before what would make a dead letter.
            raise min(failures, key=lambda one: not isinstance(one, OutageError | ThrottledError))
        return replies

    def _is_asked_about(self, checked: CheckedNote, drafted: NotesDrafted) -> bool:
        return (
            drafted.chunk.study.statements is not StatementPolicy.QUOTES
            and needs_judging(checked, self._options.policy)
            and self._is_sampled(checked)
        )

    def _is_sampled(self, checked: CheckedNote) -> bool:
        identity = f"{checked.chunk_id}\x1f{checked.draft.statement}".encode()
        drawn = int.from_bytes(hashlib.sha256(identity).digest()[:4])
        return drawn < self._options.share * _WHOLE


def _build_absent_reply(error: OnrecordError, notes: int) -> JudgeReply:
    return JudgeReply((None,) * notes, (error.code,) * notes)
