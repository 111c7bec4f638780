"""Control's HTTP API, as commands call it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

import httpx2
from pydantic import TypeAdapter

from contracts.control_api import (
    MOST_LETTERS,
    DeadLetter,
    DeadLetterCount,
    DeadLetterWithValue,
    ReplayCursor,
    ReplayRequest,
    ReplayResult,
)
from onrecord.errors import FailedError, UnreachableError, UsageError

_LETTERS: Final = TypeAdapter(list[DeadLetter])
_COUNTS: Final = TypeAdapter(list[DeadLetterCount])

Read: TypeAlias = Callable[[httpx2.Response], Any]

_SCHEMES: Final = ("http", "https")
_FINE: Final = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
_BAD_REQUEST: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


class DeadLetterClosedError(FailedError):
    """Error for a dead letter that was already replayed or discarded."""


class ControlClient:
    """Client of control's HTTP API: lists, reads, replays and discards dead letters.

    Methods raise ``UsageError`` for an id that names no letter or several, and
    ``UnreachableError`` when control does not answer, or waits for its own dependencies.

    Args:
        url: where control answers, without a slash at the end.
        connect_timeout_s: longest wait for a connection, in seconds.
        answer_timeout_s: longest wait for an answer, in seconds.
    """

    def __init__(
        self, url: str, *, connect_timeout_s: float = 4.0, answer_timeout_s: float = 30.0
    ) -> None:
        self._url = url
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s

    async def __aenter__(self) -> Self:
        """Open the client; nothing is asked yet."""
        # Control is asked itself, whatever proxy the environment names for other addresses.
        timeout = httpx2.Timeout(None, connect=self._connect_timeout_s)
        self._client = httpx2.AsyncClient(timeout=timeout, trust_env=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client."""
        await self._client.aclose()

    async def letters(
        self, which: Mapping[str, str | None], *, limit: int = MOST_LETTERS
    ) -> list[DeadLetter]:
        """Return letters that match, the latest first.

        Args:
            which: narrows by ``service``, ``code``, ``state``, ``subject`` or ``key``; None does
                not.
            limit: at most so many, up to ``MOST_LETTERS``.
        """
        query = {name: value for name, value in which.items() if value is not None}
        params = {**query, "limit": limit}
        return _LETTERS.validate_python(await self._call("GET", "/letters", params=params))

    async def counts(self) -> list[DeadLetterCount]:
        """Return how many letters there are by service, state and cause."""
        return _COUNTS.validate_python(await self._call("GET", "/letters/counts"))

    async def letter(self, letter_id: str) -> DeadLetterWithValue:
        """Return a letter by its id or the beginning of it, with its value's first MiB."""
        return DeadLetterWithValue.model_validate(
            await self._call("GET", f"/letters/{_part(letter_id)}")
        )

    async def value(self, letter_id: str) -> bytes | None:
        """Return a letter's value as it was set aside, however large; None for a tombstone."""
        path = f"/letters/{_part(letter_id)}/value"
        value: bytes | None = await self._call("GET", path, read=_bytes_of)
        return value

    async def replay(self, letter_id: str) -> DeadLetter:
        """Put a letter back.

        Raises:
            DeadLetterClosedError: it was replayed or discarded before.
        """
        return DeadLetter.model_validate(
            await self._call("POST", f"/letters/{_part(letter_id)}/replay")
        )

    async def replay_many(
        self, which: Mapping[str, str | None], *, limit: int, begin: ReplayCursor | None = None
    ) -> ReplayResult:
        """Put back open letters; those of causes that no replay mends only if one is named.

        Args:
            which: narrows by ``service`` or ``code``; None does not.
            limit: at most so many, up to ``MOST_LETTERS``.
            begin: cursor that the previous call returned; None at first.
        """
        body = ReplayRequest.model_validate({**which, "limit": limit, "begin": begin})
        return ReplayResult.model_validate(
            await self._call("POST", "/letters/replay", json=body.model_dump(mode="json"))
        )

    async def discard(self, letter_id: str, reason: str) -> DeadLetter:
        """Give a letter up.

        Raises:
            DeadLetterClosedError: it was replayed or discarded before.
        """
        path = f"/letters/{_part(letter_id)}/discard"
        return DeadLetter.model_validate(await self._call("POST", path, json={"reason": reason}))

    async def _call(
        self, method: str, path: str, *, read: Read = httpx2.Response.json, **options: Any
    ) -> Any:
        _require_address(self._url)
        try:
            async with asyncio.timeout(self._answer_timeout_s):
                answer = await self._client.request(method, self._url + path, **options)
        except (httpx2.RequestError, OSError) as error:  # OSError: a TimeoutError is one too
            raise UnreachableError(f"the control service does not answer at {self._url}") from error
        if answer.status_code not in _FINE:
            raise _refusal(answer.status_code, answer.text)
        try:
            return read(answer)
        except ValueError as error:
            raise UnreachableError(f"what answers at {self._url} is not control") from error


def _require_address(url: str) -> None:
    """Require a URL that can be asked.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number or above 65535; brackets without an end
        fits = False
    if not fits:
        raise UsageError(f"the setting ONRECORD_CONTROL_URL is no address: {url}")


def _bytes_of(answer: httpx2.Response) -> bytes | None:
    return None if answer.status_code == HTTPStatus.NO_CONTENT else answer.content


def _part(letter_id: str) -> str:
    """An id as a part of a path; what is in it beside letters, digits and dashes is refused."""
    if not letter_id.replace("-", "").isalnum() or not letter_id.isascii():
        raise UsageError(f"{letter_id!r} is no letter's id, nor the beginning of one")
    return letter_id


def _refusal(status: int, body: str) -> FailedError | UsageError | UnreachableError:
    message = _error_in(body)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return UnreachableError(message or "the control service is not ready")
    if not message:
        return UnreachableError(f"HTTP status {status}: is ONRECORD_CONTROL_URL that of control?")
    if status in _BAD_REQUEST:
        return UsageError(message)
    return DeadLetterClosedError(message) if status == HTTPStatus.CONFLICT else FailedError(message)


def _error_in(body: str) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    return str(message.get("error", "")) if isinstance(message, dict) else ""
