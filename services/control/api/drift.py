"""Endpoint of drift: what is no longer as it usually was, since when, and where it comes from."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from contracts.drift import DriftReport
from control.api.authorization import Operator
from control.api.context import Context
from control.api.openapi import build_error_responses
from control.drift.store import DriftStore

router: Final = APIRouter(tags=["operations"])


@router.get("/drift", responses=build_error_responses())
async def read_drift(context: Context, caller: Operator) -> DriftReport:
    """Show the latest alarms about drift of models, prompts and producers, and what is watched.

    An alarm says what has changed since when, and which side it comes from: the model's,
    onrecord's or the input's, as far as that is known. It ends by itself once what is usual
    since is known.
    """
    del caller
    return await DriftStore(context.database).read_report()
