"""Endpoint of the audit trail."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.access import TrailPage
from contracts.control_api import Asked
from control.api.authorization import Admin
from control.api.context import Context

MAX_PAGE: Final = 1_000
"""Most entries of a page."""

router: Final = APIRouter(prefix="/trail", tags=["access"])


class ListTrailRequest(BaseModel):
    """Parameters of the request to list entries of the audit trail that match a filter."""

    model_config = ConfigDict(extra="forbid")

    before: int | None = Field(
        None, ge=0, lt=2**63, description="Only entries with a smaller id; `next` of a page."
    )
    actor: Asked | None = Field(None, description="Only of the token with this name.")
    action: Asked | None = Field(
        None, description="Only this one; `letter` is all actions on letters."
    )
    study_id: Asked | None = Field(None, description="Only in this study.")
    limit: int = Field(100, ge=1, le=MAX_PAGE, description="At most so many.")


@router.get("")
async def list_trail(
    which: Annotated[ListTrailRequest, Query()], context: Context, caller: Admin
) -> TrailPage:
    """List the audit trail, the latest entry first: who changed what, and who read quotes."""
    del caller
    return await context.trail.page(**which.model_dump())
