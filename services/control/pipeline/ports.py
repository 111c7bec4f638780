"""Client of other services' ports: readiness, rehearsals of records, resuming what stopped."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx2
from pydantic import TypeAdapter, ValidationError

from contracts.errors import OnrecordError
from contracts.operations import ResumedReplica, ServiceName, ServiceResume
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


RESUME_TIMEOUT_S: Final = 10.0
"""Longest that a replica may take to resume, in seconds."""


@dataclass(frozen=True, slots=True)
class ReplicaAddress:
    """Address of one replica of a service, with the headers for calling it by its name.

    Attributes:
        url: where it answers.
        headers: by which it is called by its service's name.
        extensions: of the HTTP client, by which its certificate has to be of that name.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageHealth:
    """Health of a service, as its `/readyz` reports it: whether it is ready, and the reason.

    Attributes:
        ready: whether it handles messages.
        reason: why not, or what slows it down; may be empty.
    """

    ready: bool
    reason: str


class StageUnreachableError(OnrecordError):
    """Raised when a service does not answer, or rehearses no records at present."""


class StageNotConfiguredError(StageUnreachableError):
    """Raised when control's settings lack a service's address, or a token that it accepts."""


class StageNotConsumingError(OnrecordError):
    """Raised when a service cannot be resumed, as its Kafka consumer does not run now.

    So while it waits for Kafka. One in an outage of something else has a consumer, which waits.
    """


class StageClient:
    """HTTP client of the other services: reads their health, resumes them, rehearses records.

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
            StageUnreachableError: it is not known where the service answers, or it does not.
        """
        url = self._find_url(service, "nothing can be rehearsed there")
        asked = StageRehearsalRequest(
            record=record, mode=mode, budget_usd=budget_usd, wanted=tuple(wanted)
        )
        headers = {**await self._read_authorization(), "Content-Type": "application/json"}
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
            raise StageUnreachableError(f"{service} does not answer at {url}") from error
        if answer.status_code != HTTPStatus.OK:
            raise StageUnreachableError(
                f"{service} at {url} takes no rehearsal now: it answered {answer.status_code}"
            )
        try:
            return StageRehearsal.model_validate_json(answer.content)
        except ValidationError as error:
            raise StageUnreachableError(f"{service} at {url} is of another version") from error

    async def resume(self, service: str) -> ServiceResume:
        """Have each replica of a service go on that has stopped because most messages failed.

        One that has not stopped goes on as before, or waits as before, such as in an outage.

        Args:
            service: whose; its address may stand for several replicas.

        Raises:
            StageNotConfiguredError: control lacks its address, or a token that it takes.
            StageNotConsumingError: no replica has a consumer now, such as while it waits for Kafka.
            StageUnreachableError: none answers.
        """
        url = self._find_url(service, "it cannot be resumed from here")
        headers = await self._read_authorization()
        replicas = await list_replica_addresses(url)
        if not replicas:
            raise StageUnreachableError(f"{service} does not answer at {url}")
        answers = await asyncio.gather(
            *(self._resume_replica(service, one, headers) for one in replicas)
        )
        if not any(one.resumed for one, _ in answers):
            first, kind = answers[0]
            raise kind(first.reason)
        return ServiceResume(
            service=ServiceName(service), replicas=tuple(one for one, _ in answers)
        )

    async def _resume_replica(
        self, service: str, replica: ReplicaAddress, headers: Mapping[str, str]
    ) -> tuple[ResumedReplica, type[OnrecordError]]:
        """Return what one replica answered, and the error that it is if it was not resumed."""

        def refuse(kind: type[OnrecordError], reason: str) -> tuple[Any, type[OnrecordError]]:
            return ResumedReplica(address=replica.url, resumed=False, reason=reason), kind

        away = f"{service} does not answer at {replica.url}"
        try:
            answer = await self._client.post(
                f"{replica.url}/resume",
                headers={**headers, **replica.headers},
                extensions=replica.extensions,
                timeout=RESUME_TIMEOUT_S,
            )
        except (httpx2.RequestError, httpx2.InvalidURL, OSError):
            return refuse(StageUnreachableError, away)
        said = _read_object(answer)
        if answer.status_code in _TOKEN_REFUSED:
            return refuse(
                StageNotConfiguredError,
                f"{service} at {replica.url} refuses control's token: the files of "
                f"{service.upper()}_OPERATOR_TOKEN_FILE and CONTROL_OPERATOR_TOKEN_FILE have to "
                "hold the same one",
            )
        if answer.status_code == HTTPStatus.CONFLICT:
            detail = str(said.get("detail") or "it consumes nothing now")[:LONGEST_REASON]
            return refuse(StageNotConsumingError, f"{service} is not resumed: {detail}")
        if answer.status_code == HTTPStatus.MISDIRECTED_REQUEST:
            return refuse(
                StageNotConfiguredError,
                f"{service} is not called by the name in {self._urls[service]}: add it to "
                f"{service.upper()}_HTTP_ALLOWED_HOSTS",
            )
        if answer.status_code != HTTPStatus.OK or said.get("resumed") is not True:
            return refuse(StageUnreachableError, f"what answers at {replica.url} is no service")
        resumed = ResumedReplica(
            address=replica.url,
            resumed=True,
            # One of an earlier version does not say so.
            had_stopped=said.get("had_stopped") is not False,
            reason=str(said.get("reason") or "")[:LONGEST_REASON],
            waits_for=str(said.get("waits_for") or "")[:LONGEST_REASON],
        )
        return resumed, OnrecordError

    async def read_health(self) -> dict[str, StageHealth]:
        """Return what each service says of itself, by its name; of one that is away, that it is."""
        services = [*self._urls]
        found = await asyncio.gather(*(self._read_health(one) for one in services))
        return dict(zip(services, found, strict=True))

    async def _read_health(self, service: str) -> StageHealth:
        url = self._urls[service]
        replicas = await list_replica_addresses(url)
        if not replicas:
            return StageHealth(ready=False, reason=f"it does not answer at {url}")
        return merge_replica_health(await asyncio.gather(*map(self._read_replica_health, replicas)))

    async def _read_replica_health(self, replica: ReplicaAddress) -> StageHealth:
        url = replica.url
        try:
            answer = await self._client.get(
                f"{url}/readyz",
                headers=replica.headers,
                extensions=replica.extensions,
                timeout=HEALTH_TIMEOUT_S,
            )
            said = _HEALTH.validate_json(answer.content)
        except (httpx2.RequestError, httpx2.InvalidURL, OSError):
            return StageHealth(ready=False, reason=f"it does not answer at {url}")
        except ValidationError:
            return StageHealth(ready=False, reason=f"what answers at {url} is no service")
        reason = said.get("reason") or said.get("detail") or ""
        return StageHealth(ready=said.get("ready") is True, reason=str(reason)[:LONGEST_REASON])

    def _find_url(self, service: str, otherwise: str) -> str:
        """Return where a service answers.

        Args:
            service: whose.
            otherwise: what cannot be done if nobody knows.

        Raises:
            StageNotConfiguredError: nobody knows.
        """
        url = self._urls.get(service)
        if url is None:
            raise StageNotConfiguredError(
                f"CONTROL_STAGE_URLS does not say where {service} answers: {otherwise}"
            )
        return url

    async def _read_authorization(self) -> dict[str, str]:
        """Return the header with the operators' token.

        Raises:
            StageNotConfiguredError: there is none.
        """
        if self._token_file is None:
            raise StageNotConfiguredError("CONTROL_OPERATOR_TOKEN_FILE names no file with a token")
        try:
            token = (await asyncio.to_thread(self._token_file.read_text, "ascii")).strip()
        except (OSError, ValueError) as error:
            raise StageNotConfiguredError(
                "the file of CONTROL_OPERATOR_TOKEN_FILE holds none"
            ) from error
        return {"Authorization": f"Bearer {token}"}


def merge_replica_health(replicas: Sequence[StageHealth]) -> StageHealth:
    """Merge the health of a service's replicas into one: ready only if all of them are.

    Args:
        replicas: one at least.
    """
    if len(replicas) == 1:
        return replicas[0]
    reasons = Counter(one.reason for one in replicas if one.reason)
    told = (f"{number} of {len(replicas)} replicas: {why}" for why, number in reasons.items())
    return StageHealth(ready=all(one.ready for one in replicas), reason="; ".join(told))


async def list_replica_addresses(url: str) -> list[ReplicaAddress]:
    """Resolve a service's URL to the addresses of its replicas; [] if its name is unknown.

    A name of which DNS has several addresses, such as of a scaled service of Compose or a headless
    service of Kubernetes, is of several replicas. Each address is asked by that name.
    """
    parsed = httpx2.URL(url)
    port = parsed.port or {"https": 443}.get(parsed.scheme, 80)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                parsed.host, port, type=socket.SOCK_STREAM
            )
    except OSError:  # a TimeoutError is one too
        return []
    # A replica may have an address of each family: those of one family are the replicas.
    addresses = sorted({str(one[4][0]) for one in found if one[0] == found[0][0]})
    if len(addresses) == 1:
        return [ReplicaAddress(url)]
    name = parsed.netloc.decode("ascii")
    return [
        ReplicaAddress(
            str(parsed.copy_with(host=one)), {"Host": name}, {"sni_hostname": parsed.host}
        )
        for one in addresses
    ]


def _read_object(answer: httpx2.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one if it is none."""
    try:
        return _OBJECT.validate_json(answer.content)
    except ValidationError:
        return {}


LONGEST_REASON: Final = 500
"""Characters that are shown of a service's reason."""

_HEALTH: Final = TypeAdapter(dict[str, bool | str])
_OBJECT: Final = TypeAdapter(dict[str, Any])
_TOKEN_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@asynccontextmanager
async def open_stage_client(
    urls: Mapping[str, str], token_file: Path | None
) -> AsyncIterator[StageClient]:
    """Open an HTTP client of the other services for the duration of the context."""
    timeout = httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    # Services are asked themselves, whatever proxy the environment names for other addresses.
    async with httpx2.AsyncClient(trust_env=False, timeout=timeout) as client:
        yield StageClient(client, urls, token_file)
