"""Endpoints of the rules by which control replays dead letters by itself."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter

from contracts.control_api import ColumnText
from contracts.letter_rules import (
    RULE_NAME,
    CreateLetterRuleRequest,
    LetterRule,
    LetterRulePage,
    SwitchLetterRuleRequest,
)
from contracts.pages import PageRequest
from control.api.authorization import Operator
from control.api.context import Context
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, get_only_element, split_page
from control.domain import BadRequestError

router: Final = APIRouter(prefix="/rules", tags=["dead letters"])

_CURSORS: Final = ListCursors("rules", TypeAdapter(tuple[ColumnText]))

Name = Annotated[str, Path(pattern=RULE_NAME, description="Name of the rule.")]


@router.get("")
async def list_rules(
    which: Annotated[PageRequest, Query()], context: Context, caller: Operator
) -> LetterRulePage:
    """List the rules for automatic replays of dead letters, by their names."""
    del caller
    found = await context.rules.rules(
        limit=which.limit + 1, after=get_only_element(_CURSORS.decode(which))
    )
    page, last = split_page(found, which.limit, lambda one: (one.name,))
    return LetterRulePage(rules=page, next=_CURSORS.encode(last, which))


@router.post("", status_code=201, responses=build_error_responses(409))
async def create_rule(
    wanted: JsonBody[CreateLetterRuleRequest],
    context: Context,
    caller: Operator,
    response: Response,
) -> LetterRule:
    """Create a rule for automatic replays of dead letters; it is disabled at first."""
    if not wanted.filter.model_dump(exclude_none=True):
        raise BadRequestError("filter: a rule has at least one condition on letters")
    await context.store.require_known(wanted.filter.model, wanted.filter.prompt)
    target = wanted.model_dump_json(exclude_none=True)
    await context.trail.record(caller, "rule.create", target)
    created = await context.rules.create(wanted, caller.name)
    set_version_etag(response, created.version)
    return created


@router.get("/{name}", responses=build_error_responses(404))
async def read_rule(
    name: Name, context: Context, caller: Operator, response: Response
) -> LetterRule:
    """Return a rule for automatic replays of dead letters; with an `ETag`."""
    del caller
    found = await context.rules.rule(name)
    set_version_etag(response, found.version)
    return found


@router.patch("/{name}", responses=build_error_responses(404, 412, 428))
async def edit_rule(  # noqa: PLR0913, PLR0917 - FastAPI names them
    name: Name,
    changes: JsonBody[SwitchLetterRuleRequest],
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> LetterRule:
    """Enable or disable a rule for automatic replays of dead letters."""
    version = parse_if_match_version(if_match)
    target = json.dumps({"rule": name, "is_enabled": changes.is_enabled})
    await context.trail.record(caller, "rule.edit", target)
    edited = await context.rules.enable(name, version, is_enabled=changes.is_enabled)
    set_version_etag(response, edited.version)
    return edited


@router.delete("/{name}", status_code=204, responses=build_error_responses(404, 412, 428))
async def delete_rule(
    name: Name, context: Context, caller: Operator, if_match: IfMatch = None
) -> None:
    """Delete a rule for automatic replays of dead letters."""
    version = parse_if_match_version(if_match)
    await context.trail.record(caller, "rule.delete", name)
    await context.rules.delete(name, version)
