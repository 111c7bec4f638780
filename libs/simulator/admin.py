"""The simulator's own endpoints: what was counted, and what can be changed while it runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from simulator.answers import error_body
from simulator.journal import Journal
from simulator.model import SimulatedModels
from simulator.models import Member
from simulator.profiles import Behaviour
from simulator.settings import SettingsError, first_complaint, parse_outages, parse_rules

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """Handlers over the models and the journal of a simulator."""

    def __init__(self, models: SimulatedModels, journal: Journal) -> None:
        self._models = models
        self._journal = journal

    def routes(self) -> list[web.RouteDef]:
        """All endpoints under ``/simulator``."""
        return [
            web.get("/simulator/requests", self.requests),
            web.get("/simulator/counts", self.counts),
            web.delete("/simulator/counts", self.count_anew),
            web.get("/simulator/models/{name:.+}", self.model),
            web.patch("/simulator/models/{name:.+}", _checked(self.change_model)),
            web.get("/simulator/rules", self.rules),
            web.put("/simulator/rules", _checked(self.replace_rules)),
            web.delete("/simulator/rules", self.drop_rules),
            web.put("/simulator/rules/{name}", _checked(self.put_rule)),
            web.delete("/simulator/rules/{name}", self.remove_rule),
            web.get("/simulator/outages", self.outages),
            web.put("/simulator/outages", _checked(self.replace_outages)),
            web.delete("/simulator/outages", self.end_outages),
        ]

    async def requests(self, _request: web.Request) -> web.Response:
        """Counts by outcome, and the latest requests."""
        return web.json_response(self._journal.summary())

    async def counts(self, _request: web.Request) -> web.Response:
        """Sums by model, and what is left of each one's quota."""
        members = self._models.lineup.members
        listed = {one.name: {**self._journal.of(one.name), **one.summary()} for one in members}
        return web.json_response({"seconds": round(self._journal.seconds, 6), "models": listed})

    async def count_anew(self, request: web.Request) -> web.Response:
        """Forget what was counted."""
        self._journal.count_anew()
        for member in self._models.lineup.members:
            member.count_anew()
        return await self.counts(request)

    async def model(self, request: web.Request) -> web.Response:
        """What a model is like."""
        member = self._models.lineup.find(request.match_info["name"])
        return _described(member) if member else _missing("model")

    async def change_model(self, request: web.Request) -> web.Response:
        """Change some of what a model is like."""
        member = self._models.lineup.find(request.match_info["name"])
        if member is None:
            return _missing("model")
        changes = Behaviour.model_validate(await _document(request))
        member.become(member.behaviour.with_changes(changes))
        return _described(member)

    async def rules(self, _request: web.Request) -> web.Response:
        """The fault rules in force."""
        book = self._models.rules
        listed = [rule.model_dump(mode="json", exclude_unset=True) for rule in book.rules]
        return web.json_response({"rules": listed, "fired": book.fired})

    async def replace_rules(self, request: web.Request) -> web.Response:
        """Put other fault rules in force."""
        self._models.obey(parse_rules(await _document(request, "rules")))
        return await self.rules(request)

    async def drop_rules(self, request: web.Request) -> web.Response:
        """Let nothing go wrong any more."""
        self._models.obey(())
        return await self.rules(request)

    async def put_rule(self, request: web.Request) -> web.Response:
        """Put one named rule in force; the others stay as they are."""
        document = await _document(request)
        named = {**_mapping(document), "name": request.match_info["name"]}
        (rule,) = parse_rules([named])
        self._models.rules.put(rule)
        return await self.rules(request)

    async def remove_rule(self, request: web.Request) -> web.Response:
        """Take one named rule out of force."""
        found = self._models.rules.remove(request.match_info["name"])
        return await self.rules(request) if found else _missing("rule")

    async def outages(self, _request: web.Request) -> web.Response:
        """The outages planned."""
        planned = self._models.outages.planned
        listed = [outage.model_dump(mode="json", exclude_unset=True) for outage in planned]
        return web.json_response({"outages": listed})

    async def replace_outages(self, request: web.Request) -> web.Response:
        """Plan other outages, in seconds from now."""
        self._models.plan(parse_outages(await _document(request)))
        return await self.outages(request)

    async def end_outages(self, request: web.Request) -> web.Response:
        """Serve everybody from now on."""
        self._models.plan(())
        return await self.outages(request)


def _checked(handler: Handler) -> Handler:
    """Answer 400 with one line if what was sent makes no sense."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ValidationError as error:
            return _refused(first_complaint(error))
        except SettingsError as error:
            return _refused(str(error))

    return answer


async def _document(request: web.Request, what: str = "settings") -> Any:
    try:
        return json.loads(await request.read())
    except ValueError:
        raise SettingsError(f"{what}: the body is no JSON") from None


def _mapping(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise SettingsError("rules: the body is no rule")
    return document


def _described(member: Member) -> web.Response:
    behaviour = member.behaviour.model_dump(mode="json", exclude={"latency", "between_chunks"})
    behaviour["latency"] = str(member.behaviour.latency)
    behaviour["between_chunks"] = str(member.behaviour.between_chunks)
    return web.json_response({**member.summary(), "behaviour": behaviour})


def _missing(what: str) -> web.Response:
    body = error_body(f"There is no such {what}.", "invalid_request_error")
    return web.json_response(body, status=HTTPStatus.NOT_FOUND)


def _refused(message: str) -> web.Response:
    body = error_body(message, "invalid_request_error")
    return web.json_response(body, status=HTTPStatus.BAD_REQUEST)
