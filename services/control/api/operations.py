"""Endpoints about the whole system: the audit, and what each service has before it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request

from asgi_server import cancel_on_disconnect
from audit import run_audit
from audit.broker import open_backlog_scanner
from audit.reports import convert_result_to_report
from contracts.operations import AuditReport, PipelineState, ServiceName, ServiceResume
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.api.openapi import build_error_responses
from control.pipeline.status import read_pipeline_state

router: Final = APIRouter(tags=["operations"])


@router.get("/audit")
async def read_audit(
    request: Request, context: Context, caller: Operator, place: HeavyPlace
) -> AuditReport:
    """Audit the system: return whether any submitted interview is lost, and where all are.

    From Kafka's offsets and PostgreSQL; it takes seconds where messages move.
    """
    del caller, place
    # For whom has left, it would keep a place for minutes.
    async with (
        cancel_on_disconnect(request.receive),
        open_backlog_scanner(context.reader.kafka) as scanner,
    ):
        return convert_result_to_report(await run_audit(scanner, context.database))


@router.get("/pipeline")
async def read_pipeline(
    request: Request, context: Context, caller: Operator, place: HeavyPlace
) -> PipelineState:
    """Return the status of all services: readiness, consumers, lag by topic, open dead letters."""
    del caller, place
    async with cancel_on_disconnect(request.receive):
        state = await read_pipeline_state(
            context.reader.kafka, await context.store.counts(), await context.read_health()
        )
    warnings = context.get_retention_warnings()
    return state.model_copy(
        update={"expiring_letters": warnings.expiring, "full_dlqs": warnings.full}
    )


@router.post("/pipeline/{service}/resume", responses=build_error_responses(409, 424))
async def resume_service(
    service: Annotated[ServiceName, Path(description="The service.")],
    context: Context,
    caller: Operator,
) -> ServiceResume:
    """Resume a service that has stopped itself because most of its messages failed.

    All replicas that its address in `CONTROL_STAGE_URLS` stands for are asked. One that has not
    stopped goes on as before (`had_stopped`), and one in an outage waits as before (`waits_for`):
    that ends when what is away is back. Without being resumed a stopped service tries by itself
    with one message at a time, and goes on once one succeeds.
    """
    await context.trail.record(caller, "service.resume", service.value)
    return await context.resume_service(service.value)
