"""Client of other services' ports: whether they are ready, and what they make of a record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2
from pydantic import TypeAdapter, ValidationError

from contracts.errors import OnrecordError
from contracts.rehearsals import (
    REHEARSAL_PATH,
    RehearsalMode,
    RehearsedRecord,
    StageRehearsal,
    StageRehearsalRequest,
)

TIMEOUT_S: Final = 180.0
"""Longest that a service may take for one record, in seconds: its own deadline, and its queue."""

QUEUE_S: Final = 60.0
"""What of that is for its queue, in seconds."""

CONNECT_TIMEOUT_S: Final = 2.0
"""Longest that a service may take to accept a connection, in seconds."""


HEALTH_TIMEOUT_S: Final = 2.0
"""Longest that a service may take to say whether it is ready, in seconds."""


@dataclass(frozen=True, slots=True)
class StageHealth:
    """What a service's `/readyz` says.

    Attributes:
        ready: whether it handles messages.
        reason: why not, or what slows it down; may be empty.
    """

    ready: bool
    reason: str


class StageAwayError(OnrecordError):
    """Raised when a service cannot take a record through its code now."""


class StageClient:
    """Client of the services' ports.

    Args:
        client: makes the requests.
        urls: where each service answers, by its name.
        token_file: holds the operators' token, which is read for each request.
    """

    def __init__(
        self, client: httpx2.AsyncClient, urls: Mapping[str, str], token_file: Path | None
    ) -> None:
        self._client = client
        self._urls = urls
        self._token_file = token_file

    async def rehearse(  # noqa: PLR0913 - all are named, or the record's
        self,
        service: str,
        record: RehearsedRecord,
        wanted: Sequence[str],
        budget_usd: Decimal,
        *,
        mode: RehearsalMode,
        deadline_s: float = 0,
    ) -> StageRehearsal:
        """Take a record through a service's code.

        Args:
            service: whose.
            record: the message.
            wanted: topics of which the answer has what would be written to them.
            budget_usd: what calls of models may cost, in US dollars.
            mode: where their answers come from.
            deadline_s: of the message, in seconds, if it has one of its own.

        Raises:
            StageAwayError: it is not known where the service answers, or it does not.
        """
        url = self._urls.get(service)
        if url is None:
            raise StageAwayError(
                f"CONTROL_STAGE_URLS does not say where {service} answers: nothing can be "
                "rehearsed there"
            )
        asked = StageRehearsalRequest(
            record=record, mode=mode, budget_usd=budget_usd, wanted=tuple(wanted)
        )
        headers = {
            "Authorization": f"Bearer {await self._read_token()}",
            "Content-Type": "application/json",
        }
        try:
            answer = await self._client.post(
                url + REHEARSAL_PATH,
                content=asked.model_dump_json(),
                headers=headers,
                timeout=httpx2.Timeout(
                    max(TIMEOUT_S, deadline_s + QUEUE_S), connect=CONNECT_TIMEOUT_S
                ),
            )
        except (httpx2.RequestError, httpx2.InvalidURL, OSError) as error:
            raise StageAwayError(f"{service} does not answer at {url}") from error
        if answer.status_code != HTTPStatus.OK:
            raise StageAwayError(
                f"{service} at {url} takes no rehearsal now: it answered {answer.status_code}"
            )
        try:
            return StageRehearsal.model_validate_json(answer.content)
        except ValidationError as error:
            raise StageAwayError(f"{service} at {url} is of another version") from error

    async def read_health(self) -> dict[str, StageHealth]:
        """Return what each service says of itself, by its name; of one that is away, that it is."""
        services = [*self._urls]
        found = await asyncio.gather(*(self._read_health(one) for one in services))
        return dict(zip(services, found, strict=True))

    async def _read_health(self, service: str) -> StageHealth:
        url = self._urls[service]
        try:
            answer = await self._client.get(f"{url}/readyz", timeout=HEALTH_TIMEOUT_S)
            said = _HEALTH.validate_json(answer.content)
        except (httpx2.RequestError, httpx2.InvalidURL, OSError):
            return StageHealth(ready=False, reason=f"it does not answer at {url}")
        except ValidationError:
            return StageHealth(ready=False, reason=f"what answers at {url} is no service")
        reason = said.get("reason") or said.get("detail") or ""
        return StageHealth(ready=said.get("ready") is True, reason=str(reason)[:LONGEST_REASON])

    async def _read_token(self) -> str:
        if self._token_file is None:
            raise StageAwayError("CONTROL_OPERATOR_TOKEN_FILE names no file with a token")
        try:
            return (await asyncio.to_thread(self._token_file.read_text, "ascii")).strip()
        except (OSError, ValueError) as error:
            raise StageAwayError("the file of CONTROL_OPERATOR_TOKEN_FILE holds none") from error


LONGEST_REASON: Final = 500
"""Characters that are shown of a service's reason."""

_HEALTH: Final = TypeAdapter(dict[str, bool | str])


@asynccontextmanager
async def open_stage_client(
    urls: Mapping[str, str], token_file: Path | None
) -> AsyncIterator[StageClient]:
    """Open a client of the services' ports for the duration of the context."""
    timeout = httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    # Services are asked themselves, whatever proxy the environment names for other addresses.
    async with httpx2.AsyncClient(trust_env=False, timeout=timeout) as client:
        yield StageClient(client, urls, token_file)
