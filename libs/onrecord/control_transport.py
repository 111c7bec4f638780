"""Requests to control's HTTP API: sent again while it is busy; refusals are commands' errors."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import httpx2

from onrecord.errors import FailedError, UnreachableError, UsageError
from onrecord.settings import URL_SETTING, require_http_url

Read: TypeAlias = Callable[[httpx2.Response], Any]

_BAD_REQUEST: Final = (
    *(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
    *(HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
)

SLICE_BYTES: Final = 64 * 1024
"""Bytes of a body that are sent at once, each within the time for an answer."""

MAX_WAITS: Final = 10
"""How often a request is sent again that control is too busy for."""

MAX_WAIT_S: Final = 10.0
"""Longest wait before that, whatever control asks for, in seconds."""


class DeadLetterClosedError(FailedError):
    """Raised when a dead letter cannot be changed, as it was already replayed or discarded."""


class ControlTransport:
    """HTTP connection to the control service's API, which sends the access token with each request.

    Args:
        url: where control answers, without a slash at the end.
        token: sent with each request; none if empty.
        reason: why, for the trail; may be empty.
        connect_timeout_s: longest wait for a connection, in seconds.
        answer_timeout_s: longest wait for an answer, in seconds; where an interview is sent or a
            letter's value fetched, longest time in which nothing of it moves.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        reason: str = "",
        connect_timeout_s: float = 4.0,
        answer_timeout_s: float = 30.0,
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        if reason:
            self._headers["Onrecord-Reason"] = reason
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s

    async def __aenter__(self) -> Self:
        """Open the client; nothing is asked yet."""
        # Control is asked itself, whatever proxy the environment names for other addresses.
        timeout = httpx2.Timeout(None, connect=self._connect_timeout_s)
        self._client = httpx2.AsyncClient(timeout=timeout, trust_env=False, headers=self._headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        read: Read = httpx2.Response.json,
        within_s: float | None = None,
        **options: Any,
    ) -> Any:
        require_http_url(self._url, f"the setting {URL_SETTING}")
        options["within_s"] = within_s or self._answer_timeout_s
        try:
            answer = await self._request(method, path, options)
            for _ in range(MAX_WAITS):
                if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                    break
                # Nothing was done of it, whatever it is.
                await asyncio.sleep(_read_retry_after(answer) + random.random())  # noqa: S311 - spreads clients
                answer = await self._request(method, path, options)
        except (httpx2.RequestError, OSError) as error:  # OSError: a TimeoutError is one too
            raise UnreachableError(f"the control service does not answer at {self._url}") from error
        if not answer.is_success:
            if answer.status_code == HTTPStatus.CONFLICT and path.startswith("/v1/letters/"):
                raise DeadLetterClosedError(parse_problem_detail(answer.text))
            raise _refusal(answer.status_code, answer.text)
        try:
            return read(answer)
        except ValueError as error:
            raise UnreachableError(f"what answers at {self._url} is not control") from error

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx2.Response:
        options = dict(options)
        within_s, is_large = options.pop("within_s"), options.pop("is_large", False)
        # What is large takes as long as the network does, as long as it goes on.
        timeout = httpx2.Timeout(within_s, connect=self._connect_timeout_s)
        async with asyncio.timeout(None if is_large else within_s):
            return await self._client.request(method, self._url + path, timeout=timeout, **options)


class SlicedRequestBody:
    """Request body that is sent in slices, so that the timeout applies to each slice."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for begin in range(0, len(self._body), SLICE_BYTES):
            yield bytes(self._body[begin : begin + SLICE_BYTES])


def _read_retry_after(answer: httpx2.Response) -> float:
    sent = answer.headers.get("retry-after", "")
    return min(float(sent), MAX_WAIT_S) if sent.isdecimal() else 1.0


def get_body_or_none(answer: httpx2.Response) -> bytes | None:
    """Return the body of an HTTP response; None if its status is 204."""
    return None if answer.status_code == HTTPStatus.NO_CONTENT else answer.content


def _refusal(status: int, body: str) -> FailedError | UsageError | UnreachableError:
    message = parse_problem_detail(body)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return UnreachableError(message or "the control service is not ready")
    if not message:
        return UnreachableError(f"HTTP status {status}: is ONRECORD_URL that of control?")
    if status in _BAD_REQUEST:
        return UsageError(message)
    return FailedError(message)


def parse_problem_detail(body: str) -> str:
    """Return the ``detail`` of a problem details body (RFC 9457); "" if there is none."""
    try:
        problem = json.loads(body)
    except ValueError:
        return ""
    return str(problem.get("detail", "")) if isinstance(problem, dict) else ""
