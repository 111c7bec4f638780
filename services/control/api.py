"""Control's HTTP API: list, read, replay and discard dead letters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from asgi_server import BodyTooLargeError, JsonResponse, read_body
from contracts.control_api import (
    DeadLetterFilter,
    DeadLetterWithValue,
    DiscardRequest,
    ListDeadLettersRequest,
    ReplayRequest,
)
from contracts.errors import BadMessageError, ErrorCode, OnrecordError, OutageError
from contracts.topics import MIB
from control.domain import (
    BadRequestError,
    DeadLetterGoneError,
    DeadLetterLookupError,
    DeadLetterNotOpenError,
    InvalidDeadLetterIdError,
    RetryTopicMissingError,
)
from control.originals import OriginalGoneError
from control.reader import DeadLetterReader
from control.replay import DeadLetterReplayer
from control.store import DeadLetterStore

log = structlog.get_logger(__name__)

VALUE_BYTES: Final = MIB
"""What a letter in JSON shows of its value, in bytes."""

MOST_BODY_BYTES: Final = MIB
"""Most bytes of a request's body."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Resources that the API's requests use: store, reader and replayer of dead letters."""

    store: DeadLetterStore
    reader: DeadLetterReader
    replayer: DeadLetterReplayer


_STATUSES: Final[tuple[tuple[tuple[type[Exception], ...], int], ...]] = (
    ((ValidationError, InvalidDeadLetterIdError, BadRequestError), 400),
    ((DeadLetterLookupError,), 404),
    ((DeadLetterNotOpenError,), 409),
    ((DeadLetterGoneError, OriginalGoneError), 410),
    ((BadMessageError,), 422),
    ((RetryTopicMissingError,), 424),
    ((OutageError,), 503),
)
"""The first that fits decides; everything else is a bug, and a 500."""

_DEPENDENCIES: Final = {
    ErrorCode.KAFKA_UNAVAILABLE: "Kafka",
    ErrorCode.DATABASE_UNAVAILABLE: "PostgreSQL",
}

Handler = Callable[["ControlApi", Request, ApiContext], Awaitable[Response]]


def _answering(handler: Handler) -> Callable[[ControlApi, Request], Awaitable[Response]]:
    """Turn what can go wrong into a status and one clear line."""

    @wraps(handler)
    async def answer(api: ControlApi, request: Request) -> Response:
        if api.context is None:
            return _error(503, "control is not ready; see /readyz")
        try:
            return await handler(api, request, api.context)
        except BodyTooLargeError:
            return _error(413, "the request's body is too large")
        except (ValidationError, OnrecordError) as error:
            for kinds, status in _STATUSES:
                if isinstance(error, kinds):
                    if isinstance(error, OutageError):
                        log.warning("dependency_away", reason=str(error))
                    return _error(status, _first_line(error))
            raise

    return answer


class ControlApi:
    """HTTP API of control, for dead letters and submissions."""

    def __init__(self) -> None:
        self.context: ApiContext | None = None

    @property
    def routes(self) -> tuple[BaseRoute, ...]:
        """All routes, for the service's HTTP server."""
        return (
            Route("/letters", self.letters),
            Route("/letters/counts", self.counts),
            Route("/letters/replay", self.replay_many, methods=["POST"]),
            Route("/letters/{letter_id}", self.letter),
            Route("/letters/{letter_id}/value", self.value),
            Route("/letters/{letter_id}/replay", self.replay, methods=["POST"]),
            Route("/letters/{letter_id}/discard", self.discard, methods=["POST"]),
        )

    @_answering
    async def letters(self, request: Request, context: ApiContext) -> Response:
        """List letters: ``?service=&code=&state=&fingerprint=&subject=&key=&limit=``."""
        which = ListDeadLettersRequest.model_validate({"limit": 100, **_asked(request)})
        found = await context.store.letters(_filter(which), limit=which.limit)
        return _json([letter.model_dump(mode="json") for letter in found])

    @_answering
    async def counts(self, _: Request, context: ApiContext) -> Response:
        """Count letters by service, state and cause."""
        return _json([count.model_dump(mode="json") for count in await context.store.counts()])

    @_answering
    async def letter(self, request: Request, context: ApiContext) -> Response:
        """One letter with its value."""
        letter = await context.store.letter(request.path_params["letter_id"])
        try:
            value, gone = (await context.reader.read(letter.place)).value, ""
            value = value and value[:VALUE_BYTES]
        except DeadLetterGoneError as error:  # all else that is known of it is worth an answer
            value, gone = None, str(error)
        shown = DeadLetterWithValue(letter=letter, value=value, gone=gone)
        return _json(shown.model_dump(mode="json"))

    @_answering
    async def value(self, request: Request, context: ApiContext) -> Response:
        """Return a letter's value as it is; 204 if it has none."""
        letter = await context.store.letter(request.path_params["letter_id"])
        value = (await context.reader.read(letter.place)).value
        if value is None:
            return Response(status_code=204)
        return Response(value, media_type="application/octet-stream")

    @_answering
    async def replay(self, request: Request, context: ApiContext) -> Response:
        """Put one letter back."""
        letter = await context.replayer.replay(request.path_params["letter_id"])
        return _json(letter.model_dump(mode="json"))

    @_answering
    async def replay_many(self, request: Request, context: ApiContext) -> Response:
        """Put back open letters that are meant, in the order of the DLQs; tells where to go on."""
        which = ReplayRequest.model_validate_json(
            await read_body(request, MOST_BODY_BYTES) or b"{}"
        )
        replays = await context.replayer.replay_many(
            _filter(which), limit=which.limit, begin=which.begin
        )
        return _json(replays.model_dump(mode="json"))

    @_answering
    async def discard(self, request: Request, context: ApiContext) -> Response:
        """Give a letter up, for a reason."""
        reason = DiscardRequest.model_validate_json(
            await read_body(request, MOST_BODY_BYTES) or b"{}"
        ).reason
        letter = await context.store.letter(request.path_params["letter_id"])
        if not await context.store.discard(letter.letter_id, reason):
            raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        letter = await context.store.letter(letter.letter_id)
        return _json(letter.model_dump(mode="json"))


def _filter(which: ListDeadLettersRequest) -> DeadLetterFilter:
    return DeadLetterFilter(**which.model_dump(exclude={"limit", "begin"}))


def _asked(request: Request) -> dict[str, str]:
    """The query's parameters.

    Raises:
        BadRequestError: one is given twice.
    """
    asked: dict[str, str] = {}
    raw = request.scope["query_string"].decode(errors="surrogateescape")
    # What is no UTF-8 becomes a lone surrogate, which no letter has.
    for name, value in parse_qsl(raw, keep_blank_values=True, errors="surrogateescape"):
        if name in asked:
            raise BadRequestError(f"{name[:40]}: is given more than once")
        asked[name] = value
    return asked


def _json(body: Any) -> Response:
    return JsonResponse(body)


def _error(status: int, message: str) -> Response:
    return JsonResponse({"error": message}, status_code=status)


def _first_line(error: ValidationError | OnrecordError) -> str:
    if isinstance(error, OutageError):  # its own text is a driver's, for our log
        return f"the control service cannot reach {_DEPENDENCIES.get(error.code, 'a dependency')}"
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
