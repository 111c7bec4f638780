"""Requests to control's HTTP API: sent again while it is busy; refusals are commands' errors.

Answers are parsed here and nowhere else, so whatever answers in control's place, such as an older
control, a proxy's page or another API, is one line to whoever asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Hashable, Mapping
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, TypeVar, cast

import httpx2
from pydantic import TypeAdapter, ValidationError

from contracts.pages import MAX_PAGE
from onrecord.errors import FailedError, UnreachableError, UsageError
from onrecord.settings import URL_SETTING, require_http_url

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str | int | bool | None]


class ListPage(Protocol):
    """Page of a list from control's HTTP API, with the cursor of the next page."""

    @property
    def next(self) -> str | None:
        """The cursor of the next page; None if there is none."""


PageT = TypeVar("PageT", bound=ListPage)

_BAD_REQUEST: Final = (
    *(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)

PROBLEM: Final = "application/problem+json"
OCTETS: Final = "application/octet-stream"

_NO_ENDPOINT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)

SLICE_BYTES: Final = 64 * 1024
"""Bytes of a body that are sent at once, each within the time for an answer."""

MAX_WAITS: Final = 10
"""How often a request is sent again that control is too busy for."""

MAX_WAIT_S: Final = 10.0
"""Longest wait before that, whatever control asks for, in seconds."""


SHOWN: Final = 80
"""Longest name of a field that an error shows, in characters."""


class DeadLetterClosedError(FailedError):
    """Raised when a dead letter cannot be changed, as it was already replayed or discarded."""


class NoSuchThingError(UsageError):
    """Raised when control knows nothing of what is asked for (HTTP 404)."""


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

    async def get(self, path: str, kind: type[T], params: Params | None = None) -> T:
        """Return what is at a path.

        Args:
            path: with the version of the API.
            kind: what it is, such as a model of ``contracts`` or a list of them.
            params: of the query; None leaves one out.

        Raises:
            UnreachableError: control does not answer, or what answers is none.
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        return await self.send("GET", path, kind, params=given)

    async def pages(
        self,
        path: str,
        kind: type[PageT],
        params: Params | None = None,
        *,
        limit: int = MAX_PAGE,
        most: int | None = None,
    ) -> AsyncIterator[PageT]:
        """Yield the pages of a list, one in memory at a time.

        Args:
            path: with the version of the API.
            kind: of a page.
            params: of the query; None leaves one out.
            limit: entries of one request at most.
            most: entries of all pages together at most; None: all that there are.

        Raises:
            UnreachableError: as ``get``.
        """
        cursor: str | None = None
        while True:
            size = limit if most is None else min(limit, most)
            page = await self.get(path, kind, {**(params or {}), "limit": size, "cursor": cursor})
            yield page
            if most is not None:
                # A page may have fewer than were asked for, and others behind it.
                lists = [one for one in vars(page).values() if isinstance(one, (list, tuple))]
                most -= max(map(len, lists), default=0)
            if page.next is None or (most is not None and most <= 0):
                return
            if page.next == cursor:  # it would go on for ever
                raise self._refuse_answer("GET", path, "the next page is the same page")
            cursor = page.next

    async def send(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        within_s: float | None = None,
        **options: Any,
    ) -> T:
        """Send a request, such as one that changes something; return its answer.

        Args:
            method: of HTTP.
            path: with the version of the API.
            kind: of the answer, as ``get``.
            within_s: longest wait for the answer, in seconds; the client's own if None.
            options: of the HTTP client, such as ``json``; ``is_large``: what is sent takes as long
                as the network does.

        Raises:
            UnreachableError: as ``get``.
        """
        answer = await self._ask(method, path, within_s=within_s, **options)
        try:
            parsed: T = _get_parser(cast(Hashable, kind)).validate_python(answer.json())
        except ValidationError as error:
            raise self._refuse_answer(method, path, _describe_mismatch(error)) from None
        except (ValueError, RecursionError):
            raise self._refuse_answer(method, path, "no JSON") from None
        return parsed

    async def send_for_nothing(self, method: str, path: str, **options: Any) -> None:
        """Send a request whose answer has nothing in it (204); arguments as for ``send``."""
        answer = await self._ask(method, path, **options)
        if answer.status_code != HTTPStatus.NO_CONTENT:
            raise self._refuse_answer(method, path, f"status {answer.status_code}, not 204")

    async def get_bytes(self, path: str) -> bytes | None:
        """Return the bytes at a path, however many; None if there are none (204).

        Raises:
            UnreachableError: as ``get``.
        """
        answer = await self._ask("GET", path, is_large=True)
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return None
        if answer.headers.get("content-type") != OCTETS:
            raise self._refuse_answer("GET", path, f"not {OCTETS}")
        return answer.content

    def _refuse_answer(self, method: str, path: str, problem: str) -> UnreachableError:
        """Return the error that what answers is not control, or not one that this command knows.

        What it answered is not in it: it may be anybody's.
        """
        return UnreachableError(
            f"what answers at {self._url} is not control, or one of another version than this "
            f"command: {method} {path}: {problem}"
        )

    async def _ask(
        self, method: str, path: str, *, within_s: float | None = None, **options: Any
    ) -> httpx2.Response:
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
        if answer.is_success:
            return answer
        if answer.status_code == HTTPStatus.CONFLICT and path.startswith("/v1/letters/"):
            raise DeadLetterClosedError(read_problem_detail(answer))
        if answer.status_code in _NO_ENDPOINT and is_problem_without_detail(answer):
            raise self._refuse_answer(method, path, "it has no such endpoint")
        raise self._refusal(answer)

    def _refusal(self, answer: httpx2.Response) -> FailedError | UsageError | UnreachableError:
        message = read_problem_detail(answer)
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return UnreachableError(message or "the control service is not ready")
        if not message:
            return UnreachableError(
                f"{self._url} answers with HTTP status {answer.status_code} and not as control "
                "does: is ONRECORD_URL that of control?"
            )
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return NoSuchThingError(message)
        if answer.status_code in _BAD_REQUEST:
            return UsageError(message)
        return FailedError(message)

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


@lru_cache(maxsize=128)
def _get_parser(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def _describe_mismatch(error: ValidationError) -> str:
    """Return which field of an answer is not as it should be, without its value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = ".".join(map(str, first["loc"]))[:SHOWN] or "the answer"
    return f"{name} is {first['type'].replace('_', ' ')}"


def is_problem_without_detail(answer: httpx2.Response) -> bool:
    """Return whether problem details (RFC 9457) say no more than the HTTP status does."""
    return read_problem_detail(answer) == HTTPStatus(answer.status_code).phrase


def read_problem_detail(answer: httpx2.Response) -> str:
    """Return the ``detail`` of problem details (RFC 9457) in an HTTP response, or ""."""
    if answer.headers.get("content-type", "").partition(";")[0] != PROBLEM:
        return ""
    try:
        problem = answer.json()
    except (ValueError, RecursionError):
        return ""
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return detail if isinstance(detail, str) else ""
