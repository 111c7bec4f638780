"""Control endpoints of the simulator: counters, and settings that can change while it runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from asgi_server import JsonResponse, read_body
from simulator.answers import build_error_body
from simulator.chat_service import ChatService
from simulator.journal import RequestJournal
from simulator.models import SimulatedModel
from simulator.profiles import ModelBehaviour
from simulator.settings import (
    MAX_BODY_BYTES,
    SimulatorSettingsError,
    describe_first_error,
    parse_fault_rules,
    parse_outages,
)

Handler = Callable[[Request], Awaitable[Response]]


class AdminApi:
    """HTTP API to read and change the simulator's models, fault rules and request journal."""

    def __init__(self, service: ChatService, journal: RequestJournal) -> None:
        self._service = service
        self._journal = journal

    def routes(self) -> list[Route]:
        """Return all routes under ``/simulator``."""
        return [
            Route("/simulator/requests", self.requests, methods=["GET"]),
            Route("/simulator/statements", self.statements, methods=["GET"]),
            Route("/simulator/counts", self.counts, methods=["GET"]),
            Route("/simulator/counts", self.reset_counts, methods=["DELETE"]),
            Route("/simulator/models/{name:path}", self.model, methods=["GET"]),
            Route("/simulator/models/{name:path}", _checked(self.change_model), methods=["PATCH"]),
            Route("/simulator/rules", self.rules, methods=["GET"]),
            Route("/simulator/rules", _checked(self.replace_rules), methods=["PUT"]),
            Route("/simulator/rules", self.drop_rules, methods=["DELETE"]),
            Route("/simulator/rules/{name}", _checked(self.put_rule), methods=["PUT"]),
            Route("/simulator/rules/{name}", self.remove_rule, methods=["DELETE"]),
            Route("/simulator/outages", self.outages, methods=["GET"]),
            Route("/simulator/outages", _checked(self.replace_outages), methods=["PUT"]),
            Route("/simulator/outages", self.end_outages, methods=["DELETE"]),
        ]

    async def requests(self, _request: Request) -> Response:
        """Return counts by outcome, and the latest requests."""
        return JsonResponse(self._journal.summary())

    async def statements(self, _request: Request) -> Response:
        """Return the statements that paraphrasing models wrote, with their labels."""
        return JsonResponse({"statements": self._journal.list_statements()})

    async def counts(self, _request: Request) -> Response:
        """Return sums by model, and what is left of each one's quota."""
        models = self._service.registry.models
        listed = {
            one.name: {**self._journal.model_counts(one.name), **one.summary()} for one in models
        }
        return JsonResponse({"seconds": round(self._journal.seconds, 6), "models": listed})

    async def reset_counts(self, request: Request) -> Response:
        """Reset all counters."""
        self._journal.reset_counts()
        for model in self._service.registry.models:
            model.reset_counts()
        return await self.counts(request)

    async def model(self, request: Request) -> Response:
        """Return a model's behaviour and state."""
        model = self._service.registry.find(request.path_params["name"])
        return _described(model) if model else _missing("model")

    async def change_model(self, request: Request) -> Response:
        """Change some fields of a model's behaviour."""
        model = self._service.registry.find(request.path_params["name"])
        if model is None:
            return _missing("model")
        changes = ModelBehaviour.model_validate(await _document(request))
        model.reconfigure(model.behaviour.with_changes(changes))
        return _described(model)

    async def rules(self, _request: Request) -> Response:
        """Return the fault rules in force."""
        book = self._service.rules
        listed = [rule.model_dump(mode="json", exclude_unset=True) for rule in book.rules]
        return JsonResponse({"rules": listed, "fired": book.fired})

    async def replace_rules(self, request: Request) -> Response:
        """Replace all fault rules."""
        self._service.set_rules(parse_fault_rules(await _document(request, "rules")))
        return await self.rules(request)

    async def drop_rules(self, request: Request) -> Response:
        """Remove all fault rules."""
        self._service.set_rules(())
        return await self.rules(request)

    async def put_rule(self, request: Request) -> Response:
        """Add or replace one named rule; the others stay as they are."""
        document = await _document(request)
        named = {**_mapping(document), "name": request.path_params["name"]}
        (rule,) = parse_fault_rules([named])
        self._service.rules.put(rule)
        return await self.rules(request)

    async def remove_rule(self, request: Request) -> Response:
        """Remove one named rule."""
        found = self._service.rules.remove(request.path_params["name"])
        return await self.rules(request) if found else _missing("rule")

    async def outages(self, _request: Request) -> Response:
        """Return the outages planned."""
        planned = self._service.outages.planned
        listed = [outage.model_dump(mode="json", exclude_unset=True) for outage in planned]
        return JsonResponse({"outages": listed})

    async def replace_outages(self, request: Request) -> Response:
        """Replace the planned outages; their seconds count from now."""
        self._service.set_outages(parse_outages(await _document(request)))
        return await self.outages(request)

    async def end_outages(self, request: Request) -> Response:
        """Remove all outages."""
        self._service.set_outages(())
        return await self.outages(request)


def _checked(handler: Handler) -> Handler:
    """Return a handler that answers 400 with one line where a body is not valid."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValidationError as error:
            return _refused(describe_first_error(error))
        except SimulatorSettingsError as error:
            return _refused(str(error))

    return answer


async def _document(request: Request, what: str = "settings") -> Any:
    try:
        return json.loads(await read_body(request, MAX_BODY_BYTES))
    except ValueError:
        raise SimulatorSettingsError(f"{what}: the body is no JSON") from None


def _mapping(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise SimulatorSettingsError("rules: the body is no rule")
    return document


def _described(model: SimulatedModel) -> Response:
    behaviour = model.behaviour.model_dump(mode="json", exclude={"latency", "between_chunks"})
    behaviour["latency"] = str(model.behaviour.latency)
    behaviour["between_chunks"] = str(model.behaviour.between_chunks)
    return JsonResponse({**model.summary(), "behaviour": behaviour})


def _missing(what: str) -> Response:
    body = build_error_body(f"There is no such {what}.", "invalid_request_error")
    return JsonResponse(body, status_code=HTTPStatus.NOT_FOUND)


def _refused(message: str) -> Response:
    body = build_error_body(message, "invalid_request_error")
    return JsonResponse(body, status_code=HTTPStatus.BAD_REQUEST)
