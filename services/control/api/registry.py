"""Endpoints of registered studies: register, read, list, change and archive them."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import TypeAdapter

from contracts.control_api import ColumnText
from contracts.pages import PageRequest
from contracts.registry import (
    CreateStudyRequest,
    EditStudyRequest,
    RegisteredStudy,
    RegisteredStudyPage,
    StudyPolicies,
)
from control.access.rights import Right
from control.api.authorization import AnyCaller, NoteReader, Researcher
from control.api.context import Context
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, get_only_element, split_page
from control.api.studies import StudyPath

router: Final = APIRouter(tags=["studies"])

_CURSORS: Final = ListCursors("registrations", TypeAdapter(tuple[ColumnText]))


@router.post("/studies", status_code=201, responses=build_error_responses(409))
async def create_study(
    wanted: JsonBody[CreateStudyRequest], context: Context, caller: Researcher, response: Response
) -> RegisteredStudy:
    """Register a study, and return it with its `ETag`."""
    await context.trail.record(caller, "study.create", wanted.study_id, wanted.study_id)
    created = await context.studies.create(wanted, caller.name)
    set_version_etag(response, created.changes)
    return created


@router.get("/registrations")
async def list_registrations(
    which: Annotated[PageRequest, Query()], context: Context, caller: AnyCaller
) -> RegisteredStudyPage:
    """List the registered studies, including archived ones, that the caller may read."""
    allowed = caller.list_studies(Right.READ_NOTES)
    after = get_only_element(_CURSORS.decode(which))
    found = await context.studies.list_studies(allowed, limit=which.limit + 1, after=after)
    page, last = split_page(found, which.limit, lambda one: (one.study_id,))
    return RegisteredStudyPage(studies=page, next=_CURSORS.encode(last, which))


@router.get("/studies/{study_id}/registration", responses=build_error_responses(404))
async def read_registration(
    study_id: StudyPath, context: Context, caller: NoteReader, response: Response
) -> RegisteredStudy:
    """Return a registered study with its version and policies, and its `ETag`."""
    del caller
    found = await context.studies.find(study_id)
    set_version_etag(response, found.changes)
    return found


@router.patch("/studies/{study_id}/registration", responses=build_error_responses(404, 412, 428))
async def edit_registration(  # noqa: PLR0913, PLR0917 - FastAPI names them
    study_id: StudyPath,
    changes: JsonBody[EditStudyRequest],
    context: Context,
    caller: Researcher,
    response: Response,
    if_match: IfMatch = None,
) -> RegisteredStudy:
    """Change a registered study; new themes or questions make a new version of it.

    Interviews that are ingested from then on are asked the new version, and its policies count.
    """
    expected = parse_if_match_version(if_match)
    action, target = _describe_changes(study_id, changes)
    await context.trail.record(caller, action, target, study_id)
    edited = await context.studies.edit(study_id, changes, expected, caller.name)
    set_version_etag(response, edited.changes)
    return edited


def _describe_changes(study_id: str, changes: EditStudyRequest) -> tuple[str, str]:
    """Return the action and the target under which the trail has changes of a study.

    Of policies the target has the new values; what is asked is kept by version, so its names do.
    """
    policies = changes.model_dump(mode="json", include={*StudyPolicies.model_fields})
    changed = changes.model_fields_set - {"archived"}
    parts = [
        f"{name}={json.dumps(policies[name], ensure_ascii=False)}" if name in policies else name
        for name in sorted(changed)
    ]
    actions = {None: "study.edit", True: "study.archive", False: "study.reopen"}
    return actions[changes.archived], ": ".join(filter(None, (study_id, ", ".join(parts))))
