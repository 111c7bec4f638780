"""Objects that requests to the API use, and how an endpoint gets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from contracts.errors import OnrecordError
from control.reader import DeadLetterReader
from control.replay import DeadLetterReplayer
from control.store import DeadLetterStore
from control.tokens import TokenStore
from control.trail import Trail
from database.pool import Database


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Dependencies of the API's endpoints, such as the stores and the replayer.

    Attributes:
        store: index of dead letters.
        reader: reads letters' bytes from their DLQs.
        replayer: puts letters back.
        database: notes, transcripts, tokens and the trail.
    """

    store: DeadLetterStore
    reader: DeadLetterReader
    replayer: DeadLetterReplayer
    database: Database

    @property
    def tokens(self) -> TokenStore:
        """Access tokens."""
        return TokenStore(self.database)

    @property
    def trail(self) -> Trail:
        """The audit trail."""
        return Trail(self.database)


class NotReadyError(OnrecordError):
    """Raised when a request arrives before the service has started, or after it has stopped."""


async def get_context(request: Request) -> ApiContext:
    """Return the dependencies of the running service, for FastAPI's ``Depends``.

    It waits for nothing; FastAPI runs dependencies that are no coroutines in threads.

    Raises:
        NotReadyError: it is starting or stopping.
    """
    context: ApiContext | None = request.app.state.get_context()
    if context is None:
        raise NotReadyError("control is not ready; see /readyz")
    return context


Context = Annotated[ApiContext, Depends(get_context)]
