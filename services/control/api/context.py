"""Objects that requests to the API use, and how an endpoint gets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request

from contracts.erasures import Erasure
from contracts.errors import OnrecordError
from contracts.operations import ServiceResume
from control.access.oidc import OidcProvider
from control.access.sessions import SessionLifetimes, SessionStore
from control.access.tokens import TokenStore
from control.access.trail import AuditTrail
from control.api.bodies import MinimumUploadSpeed
from control.api.limits import CredentialLimiter, HeavyRequestLimiter, RequestRateLimiter
from control.changes import ChangeFeed
from control.erasures.store import ErasureStore
from control.idempotency import IdempotentRequestStore
from control.interviews.corrections import TranscriptCorrector
from control.interviews.ownership import TranscriptOwnershipStore
from control.interviews.refreshing import StudyRefresher
from control.interviews.studies import StudyStore
from control.interviews.submitting import TranscriptSubmitter
from control.letters.bulk_changes import LetterBulkChanger
from control.letters.causes import LetterCauseStore
from control.letters.edits import LetterEditor
from control.letters.reader import DeadLetterReader
from control.letters.retention import NO_WARNINGS, RetentionPeriods, RetentionWarnings
from control.letters.store import DeadLetterStore
from control.pipeline.ports import StageHealth, StageNotConfiguredError
from control.rehearsals.store import RehearsalStore
from control.replays.plans import ReplayPlanStore
from control.replays.replayer import DeadLetterReplayer
from control.replays.rules import LetterRuleStore
from control.retention.store import StudyRetentionStore
from database.pool import Database
from embeddings import EmbeddingModel
from read_model.explanation import FunctionRunner

MAX_LOGINS_PER_S: Final = 5.0
"""Most logins that one address may finish, in the long run: the issuer is asked for each."""

MAX_COMPUTING: Final = 8
"""Most requests that use the process for what takes the CPU for long, or wait for it."""

MAX_COMPUTING_PER_TOKEN: Final = 4
"""Most of them with one access token."""

COMPUTING_WAIT_S: Final = 5.0
"""Longest that another such request waits to be one of them, in seconds; then it gets 429."""


MAX_SEARCHING: Final = 4
"""Most searches that run at once: each may keep one of control's connections to PostgreSQL for
seconds."""

SEARCH_WAIT_S: Final = 5.0
"""Longest that another search waits to be one of them, in seconds; then it gets 429."""


LARGE_SUBMISSION_WAIT_S: Final = 5.0
"""Longest that a large submission waits until another one is published, in seconds; then it gets
429, and others its place among heavy requests."""


def _limit_large_submissions() -> HeavyRequestLimiter:
    return HeavyRequestLimiter(1, LARGE_SUBMISSION_WAIT_S, share=1)


def _limit_searching() -> HeavyRequestLimiter:
    return HeavyRequestLimiter(MAX_SEARCHING, SEARCH_WAIT_S)


def _limit_computing() -> HeavyRequestLimiter:
    return HeavyRequestLimiter(MAX_COMPUTING, COMPUTING_WAIT_S, share=MAX_COMPUTING_PER_TOKEN)


def _wake_nobody() -> None:
    """Wake nothing: whoever works on what is begun looks for it by itself."""


async def _ask_nobody() -> Mapping[str, StageHealth]:
    """Ask no service: where they answer is not known."""
    return {}


async def _wait_for_nothing(erasure: Erasure) -> tuple[str, ...]:
    """Wait for no service: which have handled what was on its way is not known."""
    del erasure
    return ()


async def _resume_nobody(service: str) -> ServiceResume:
    """Resume no service.

    Raises:
        StageNotConfiguredError: always.
    """
    raise StageNotConfiguredError(
        f"CONTROL_STAGE_URLS does not say where {service} answers: it cannot be resumed from here"
    )


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """Settings and limits of logins by browsers: OpenID Connect provider, session lifetimes.

    Attributes:
        provider: the OpenID Connect provider; None: there is none.
        limits: how long browsers' sessions are valid.
        public_url: the address by which browsers call control; empty: by loopback.
        rates: how many logins each address may finish; the issuer is asked for each.
        places: how many of them the issuer is asked for at once.
    """

    provider: OidcProvider | None = None
    limits: SessionLifetimes = field(default_factory=SessionLifetimes)
    public_url: str = ""
    rates: RequestRateLimiter = field(default_factory=lambda: RequestRateLimiter(MAX_LOGINS_PER_S))
    places: HeavyRequestLimiter = field(default_factory=HeavyRequestLimiter)


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Objects that the API's endpoints use, such as the database, the stores and the replayer.

    Attributes:
        store: index of dead letters.
        reader: reads letters' bytes from their DLQs.
        replayer: puts letters back.
        database: notes, transcripts, tokens and the trail.
        rates: how many requests each token may make.
        credentials: how many tokens that nobody knows are looked up for an address.
        heavy: places for requests that take much memory or time.
        max_transcript_bytes: most bytes of a submission's body, decompressed.
        upload_pace: how fast such a body has to come.
        logins: how people and browsers log in.
        changes: what changes, for those who follow it; to be closed when the service stops.
        compute: runs what takes the CPU for long, such as checks of notes, outside the event loop.
        large_submission: the place in which a large submission is parsed and published.
        computing: places for requests that use it or wait for it.
        open_registration: whether a study that comes with a submission is registered by it.
        searching: places for searches, all but one for one token at most.
        embedding_model: model by which texts are compared in searches by meaning; None: there are
            none.
        wake_rehearser: called when there is a rehearsal to work on.
        wake_eraser: called when there is an erasure to carry out.
        wake_retention: called when a study is to be kept for another time.
        find_waits_of_erasure: returns the services that an erasure waits for.
        retention: how long letters are kept.
        get_retention_warnings: returns what operators are warned of, as last seen.
        read_health: asks the services whether they are ready, as far as control knows where.
        resume_service: has a service go on that has stopped itself.
    """

    store: DeadLetterStore
    reader: DeadLetterReader
    replayer: DeadLetterReplayer
    database: Database
    rates: RequestRateLimiter = field(default_factory=RequestRateLimiter)
    heavy: HeavyRequestLimiter = field(default_factory=HeavyRequestLimiter)
    credentials: CredentialLimiter = field(default_factory=CredentialLimiter)
    max_transcript_bytes: int = 64 * 1024 * 1024
    upload_pace: MinimumUploadSpeed = field(default_factory=MinimumUploadSpeed)
    logins: LoginSettings = field(default_factory=LoginSettings)
    compute: FunctionRunner = asyncio.to_thread
    computing: HeavyRequestLimiter = field(default_factory=_limit_computing)
    searching: HeavyRequestLimiter = field(default_factory=_limit_searching)
    embedding_model: EmbeddingModel | None = None
    large_submission: HeavyRequestLimiter = field(default_factory=_limit_large_submissions)
    wake_rehearser: Callable[[], None] = _wake_nobody
    wake_eraser: Callable[[], None] = _wake_nobody
    wake_retention: Callable[[], None] = _wake_nobody
    find_waits_of_erasure: Callable[[Erasure], Awaitable[tuple[str, ...]]] = _wait_for_nothing
    open_registration: bool = False
    retention: RetentionPeriods = field(default_factory=RetentionPeriods)
    get_retention_warnings: Callable[[], RetentionWarnings] = lambda: NO_WARNINGS
    read_health: Callable[[], Awaitable[Mapping[str, StageHealth]]] = _ask_nobody
    resume_service: Callable[[str], Awaitable[ServiceResume]] = _resume_nobody
    changes: ChangeFeed = field(init=False)

    def __post_init__(self) -> None:
        """Make the feed, which reads nothing until somebody follows it."""
        object.__setattr__(self, "changes", ChangeFeed(self.database))

    def compute_for(self, token_id: UUID) -> FunctionRunner:
        """Return what runs work for the CPU for a token's requests, each in a place of its own.

        Without places, the requests of one client, which may have left, would make a queue behind
        which all others wait. Calling it raises ``TooBusyError`` where no place is free in time.
        """

        async def compute(function: Callable[..., Any], /, *args: Any) -> Any:
            async with self.computing.place(token_id):
                return await self.compute(function, *args)

        return compute

    @property
    def bulk(self) -> LetterBulkChanger:
        """Changes of many letters at once."""
        return LetterBulkChanger(self.database)

    @property
    def editor(self) -> LetterEditor:
        """Edits of dead letters."""
        return self.store.editor

    @property
    def rules(self) -> LetterRuleStore:
        """Rules by which dead letters are replayed."""
        return LetterRuleStore(self.database)

    @property
    def causes(self) -> LetterCauseStore:
        """Causes of dead letters."""
        return LetterCauseStore(self.database)

    @property
    def plans(self) -> ReplayPlanStore:
        """Replay plans."""
        return ReplayPlanStore(self.database, self.store)

    @property
    def rehearsals(self) -> RehearsalStore:
        """Rehearsals of replays."""
        return RehearsalStore(self.database)

    @property
    def tokens(self) -> TokenStore:
        """Access tokens."""
        return TokenStore(self.database)

    @property
    def sessions(self) -> SessionStore:
        """Browsers' sessions."""
        return SessionStore(self.database, self.logins.limits)

    @property
    def study_retention(self) -> StudyRetentionStore:
        """How long what there is of each study is kept."""
        return StudyRetentionStore(self.database, self.retention)

    @property
    def studies(self) -> StudyStore:
        """Registered studies."""
        return StudyStore(self.database)

    @property
    def ownership(self) -> TranscriptOwnershipStore:
        """Whose interviews are, and which of their revisions are withdrawn."""
        return TranscriptOwnershipStore(self.database)

    @property
    def erasures(self) -> ErasureStore:
        """Erasures, and the tombstones of erased interviews."""
        return ErasureStore(self.database)

    @property
    def refresher(self) -> StudyRefresher:
        """Asks interviews again."""
        return StudyRefresher(self.database, self.replayer.sender.publisher)

    def build_corrector(self, token_id: UUID) -> TranscriptCorrector:
        """Build what corrects interviews for a token's requests."""
        publisher = self.replayer.sender.publisher
        return TranscriptCorrector(self.database, publisher, self.compute_for(token_id))

    @property
    def trail(self) -> AuditTrail:
        """The audit trail."""
        return AuditTrail(self.database)

    @property
    def requests(self) -> IdempotentRequestStore:
        """Requests by their Idempotency-Key."""
        return IdempotentRequestStore(self.database)

    @property
    def submitter(self) -> TranscriptSubmitter:
        """Publishes what is submitted."""
        return TranscriptSubmitter(
            self.database,
            self.replayer.sender.publisher,
            open_registration=self.open_registration,
        )


class NotReadyError(OnrecordError):
    """Raised when a request arrives before the service has started, or after it has stopped."""


async def get_context(request: Request) -> ApiContext:
    """Return the running service's ``ApiContext``, as a FastAPI dependency.

    It waits for nothing; FastAPI runs dependencies that are no coroutines in threads.

    Raises:
        NotReadyError: it is starting or stopping.
    """
    context: ApiContext | None = request.app.state.get_context()
    if context is None:
        raise NotReadyError("control is not ready; see /readyz")
    return context


Context = Annotated[ApiContext, Depends(get_context)]


async def _hold_place(request: Request, context: Context) -> AsyncIterator[None]:
    async with context.heavy.place(request.state.token_id):  # as ``Requires`` found it
        yield


HeavyPlace = Annotated[None, Depends(_hold_place)]
"""Parameter of an endpoint that takes much memory or time: a place, until its answer is sent.

It comes behind the parameter of the caller, whose place it is."""
