"""Requests of which it is unclear what is meant: they are refused, and never guessed at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from control.api.json_bodies import refuse_ambiguous_json
from control.domain import BadRequestError

SINGLE_HEADERS: Final = (
    "Authorization",
    "Content-Encoding",
    "If-Match",
    "Last-Event-ID",
    "Onrecord-Reason",
)
"""Headers that may come once; of the others that count, each is looked at where it counts."""

_QUOTED: Final = 40


async def refuse_malformed_request(request: Request) -> None:
    """Refuse a request whose query, headers or body can be read in more than one way.

    Raises:
        BadRequestError: a parameter, a header or a name in the body comes twice, the query is no
            UTF-8, or has a parameter that the endpoint does not know, such as a misspelt one.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute), "there are no others"
    for name in SINGLE_HEADERS:
        if len(request.headers.getlist(name)) > 1:
            raise BadRequestError(f"{name}: is sent more than once")
    if request.scope["query_string"]:
        _refuse_query(request.scope["query_string"], route)
    if route.body_field is not None and (content := await request.body()):
        refuse_ambiguous_json(content)


def _refuse_query(query: bytes, route: APIRoute) -> None:
    parameters = list(list_query_parameters(route.dependant))
    # A model refuses what it does not know by itself, and says so in words of its own.
    known = None if any(map(is_model, parameters)) else {one.alias for one in parameters}
    seen: set[str] = set()
    # What is no UTF-8 becomes lone surrogates.
    raw = query.decode(errors="surrogateescape")
    for name, value in parse_qsl(raw, keep_blank_values=True, errors="surrogateescape"):
        shown = name[:_QUOTED].encode(errors="replace").decode()
        if name in seen:
            raise BadRequestError(f"{shown}: is given more than once")
        if not _is_text(name + value):
            raise BadRequestError(f"{shown}: is not UTF-8")
        if known is not None and name not in known:
            raise BadRequestError(f"{shown}: is no parameter of this endpoint")
        seen.add(name)


def list_query_parameters(dependant: Dependant) -> Iterator[ModelField]:
    """Yield an endpoint's query parameters, those of its dependencies too."""
    yield from dependant.query_params
    for one in dependant.dependencies:
        yield from list_query_parameters(one)


def is_model(parameter: ModelField) -> bool:
    """Return whether a parameter is a pydantic model, which stands for all parameters."""
    kind = parameter.field_info.annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
