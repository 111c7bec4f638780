"""Endpoint of the audit trail."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field, TypeAdapter

from contracts.access import TrailPage
from contracts.control_api import Asked
from contracts.pages import PageRequest
from control.api.authorization import Admin
from control.api.context import Context
from control.api.pagination import Int8, ListCursors, get_only_element

router: Final = APIRouter(prefix="/trail", tags=["access"])

_CURSORS: Final = ListCursors("trail", TypeAdapter(tuple[Int8]))


class ListTrailRequest(PageRequest):
    """Parameters of the request to list entries of the audit trail that match a filter."""

    actor: Asked | None = Field(None, description="Only of the token with this name.")
    action: Asked | None = Field(
        None, description="Only this one; `letter` is all actions on letters."
    )
    study_id: Asked | None = Field(None, description="Only in this study.")


@router.get("")
async def list_trail(
    which: Annotated[ListTrailRequest, Query()], context: Context, caller: Admin
) -> TrailPage:
    """List the audit trail, the latest entry first: who changed what, and who read quotes."""
    del caller
    filters = which.model_dump(exclude={"cursor"})
    before = get_only_element(_CURSORS.decode(which))
    entries, last = await context.trail.page(**filters, before=before)
    return TrailPage(
        entries=entries, next=_CURSORS.encode(None if last is None else (last,), which)
    )
