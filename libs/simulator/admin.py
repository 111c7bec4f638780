"""The simulator's own endpoints: what was counted, and what can be changed while it runs."""

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
from simulator.answers import error_body
from simulator.journal import Journal
from simulator.model import SimulatedModels
from simulator.models import Member
from simulator.profiles import Behaviour
from simulator.settings import (
    MAX_BODY_BYTES,
    SettingsError,
    first_complaint,
    parse_outages,
    parse_rules,
)

Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    """Handlers over the models and the journal of a simulator."""

    def __init__(self, models: SimulatedModels, journal: Journal) -> None:
        self._models = models
        self._journal = journal

    def routes(self) -> list[Route]:
        """All endpoints under ``/simulator``."""
        return [
            Route("/simulator/requests", self.requests, methods=["GET"]),
            Route("/simulator/counts", self.counts, methods=["GET"]),
            Route("/simulator/counts", self.count_anew, methods=["DELETE"]),
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
        """Counts by outcome, and the latest requests."""
        return JsonResponse(self._journal.summary())

    async def counts(self, _request: Request) -> Response:
        """Sums by model, and what is left of each one's quota."""
        members = self._models.lineup.members
        listed = {one.name: {**self._journal.of(one.name), **one.summary()} for one in members}
        return JsonResponse({"seconds": round(self._journal.seconds, 6), "models": listed})

    async def count_anew(self, request: Request) -> Response:
        """Forget what was counted."""
        self._journal.count_anew()
        for member in self._models.lineup.members:
            member.count_anew()
        return await self.counts(request)

    async def model(self, request: Request) -> Response:
        """What a model is like."""
        member = self._models.lineup.find(request.path_params["name"])
        return _described(member) if member else _missing("model")

    async def change_model(self, request: Request) -> Response:
        """Change some of what a model is like."""
        member = self._models.lineup.find(request.path_params["name"])
        if member is None:
            return _missing("model")
        changes = Behaviour.model_validate(await _document(request))
        member.become(member.behaviour.with_changes(changes))
        return _described(member)

    async def rules(self, _request: Request) -> Response:
        """The fault rules in force."""
        book = self._models.rules
        listed = [rule.model_dump(mode="json", exclude_unset=True) for rule in book.rules]
        return JsonResponse({"rules": listed, "fired": book.fired})

    async def replace_rules(self, request: Request) -> Response:
        """Put other fault rules in force."""
        self._models.obey(parse_rules(await _document(request, "rules")))
        return await self.rules(request)

    async def drop_rules(self, request: Request) -> Response:
        """Let nothing go wrong any more."""
        self._models.obey(())
        return await self.rules(request)

    async def put_rule(self, request: Request) -> Response:
        """Put one named rule in force; the others stay as they are."""
        document = await _document(request)
        named = {**_mapping(document), "name": request.path_params["name"]}
        (rule,) = parse_rules([named])
        self._models.rules.put(rule)
        return await self.rules(request)

    async def remove_rule(self, request: Request) -> Response:
        """Take one named rule out of force."""
        found = self._models.rules.remove(request.path_params["name"])
        return await self.rules(request) if found else _missing("rule")

    async def outages(self, _request: Request) -> Response:
        """The outages planned."""
        planned = self._models.outages.planned
        listed = [outage.model_dump(mode="json", exclude_unset=True) for outage in planned]
        return JsonResponse({"outages": listed})

    async def replace_outages(self, request: Request) -> Response:
        """Plan other outages, in seconds from now."""
        self._models.plan(parse_outages(await _document(request)))
        return await self.outages(request)

    async def end_outages(self, request: Request) -> Response:
        """Serve everybody from now on."""
        self._models.plan(())
        return await self.outages(request)


def _checked(handler: Handler) -> Handler:
    """Answer 400 with one line if what was sent makes no sense."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValidationError as error:
            return _refused(first_complaint(error))
        except SettingsError as error:
            return _refused(str(error))

    return answer


async def _document(request: Request, what: str = "settings") -> Any:
    try:
        return json.loads(await read_body(request, MAX_BODY_BYTES))
    except ValueError:
        raise SettingsError(f"{what}: the body is no JSON") from None


def _mapping(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise SettingsError("rules: the body is no rule")
    return document


def _described(member: Member) -> Response:
    behaviour = member.behaviour.model_dump(mode="json", exclude={"latency", "between_chunks"})
    behaviour["latency"] = str(member.behaviour.latency)
    behaviour["between_chunks"] = str(member.behaviour.between_chunks)
    return JsonResponse({**member.summary(), "behaviour": behaviour})


def _missing(what: str) -> Response:
    body = error_body(f"There is no such {what}.", "invalid_request_error")
    return JsonResponse(body, status_code=HTTPStatus.NOT_FOUND)


def _refused(message: str) -> Response:
    body = error_body(message, "invalid_request_error")
    return JsonResponse(body, status_code=HTTPStatus.BAD_REQUEST)
