"""Registered studies in PostgreSQL: registered, changed, archived and listed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from pydantic import ValidationError

from contracts.errors import OnrecordError
from contracts.pages import MAX_PAGE
from contracts.registry import (
    CreateStudyRequest,
    EditStudyRequest,
    RegisteredStudy,
    StudyInputs,
    StudyPolicies,
)
from control.domain import BadRequestError, NotFoundError
from control.queries import load_control_queries
from database.pool import Connection, Database

_QUERIES: Final = load_control_queries("studies.sql")


class StudyExistsError(OnrecordError):
    """Raised when a study is registered under an id that is already taken (HTTP 409)."""


class StudyArchivedError(OnrecordError):
    """Raised when an archived study is to accept an interview or to make new notes (HTTP 409)."""


class StudyChangedError(OnrecordError):
    """Raised when a study was changed since the caller has read it (HTTP 412)."""


class StudyStore:
    """Store of registered studies in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, wanted: CreateStudyRequest, created_by: str) -> RegisteredStudy:
        """Register a study.

        Raises:
            StudyExistsError: there is one of this id.
        """
        inputs = StudyInputs(**_fields(wanted, StudyInputs))
        policies = StudyPolicies(**_fields(wanted, StudyPolicies))
        added = await self._database.fetchval(
            _QUERIES.insert_study,
            wanted.study_id,
            created_by,
            inputs.model_dump_json(),
            *_columns(policies),
        )
        if added is None:
            raise StudyExistsError(
                f"there is a study {wanted.study_id}: `onrecord study edit` changes it"
            )
        return await self.find(wanted.study_id)

    async def find(self, study_id: str) -> RegisteredStudy:
        """Return a registered study.

        Raises:
            NotFoundError: it is not registered.
        """
        async with self._database.connection() as connection:
            return await _find(connection, study_id)

    async def list_studies(
        self, only: Collection[str] | None, *, limit: int = MAX_PAGE, after: str | None = None
    ) -> Sequence[RegisteredStudy]:
        """Return registered studies by their ids.

        Args:
            only: of these ids; None: of any.
            limit: at most so many.
            after: only those whose ids come behind this one.
        """
        ids = None if only is None else list(only)
        rows = await self._database.fetch(_QUERIES.select_registered_studies, ids, after, limit)
        return [RegisteredStudy.of_row(dict(row)) for row in rows]

    async def edit(
        self, study_id: str, changes: EditStudyRequest, expected: int | None, edited_by: str
    ) -> RegisteredStudy:
        """Change a study.

        Other themes, questions, name or language make a new version, and so does a stricter policy
        on personal data.

        Args:
            study_id: which study.
            changes: what is to be otherwise; where nothing is, nothing is written.
            expected: its number of changes, as the sender has read it; None: whatever it is.
            edited_by: who changes it.

        Raises:
            NotFoundError: it is not registered.
            StudyChangedError: it was changed meanwhile.
            BadRequestError: two themes or questions have the same id.
        """
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.lock_study, study_id)
            study = await _find(connection, study_id)
            if expected not in {None, study.changes}:
                raise StudyChangedError(
                    f"the study {study_id} was changed meanwhile: read it again, then change it"
                )
            inputs, policies, is_archived = _apply(changes, study)
            before = (study.inputs, study.policies, study.archived_at is not None)
            if (inputs, policies, is_archived) == before:
                return study
            version = study.version
            # With a version, interviews from before can be asked again, under the stricter policy.
            if inputs != study.inputs or policies.masks_more_than(study.policies):
                version += 1
                await connection.execute(
                    _QUERIES.insert_study_version,
                    study_id,
                    version,
                    inputs.model_dump_json(),
                    edited_by,
                )
            columns = (*_columns(policies), is_archived)
            await connection.execute(_QUERIES.update_study, study_id, version, *columns)
            return await _find(connection, study_id)


async def _find(connection: Connection, study_id: str) -> RegisteredStudy:
    row = await connection.fetchrow(_QUERIES.select_registered_studies, [study_id], None, 1)
    if row is None:
        raise NotFoundError(f"the study {study_id} is not registered")
    return RegisteredStudy.of_row(dict(row))


def _apply(
    changes: EditStudyRequest, study: RegisteredStudy
) -> tuple[StudyInputs, StudyPolicies, bool]:
    try:
        inputs, policies = changes.apply(study)
    except ValidationError as error:
        raise BadRequestError(str(error.errors(include_url=False)[0]["msg"])) from error
    if changes.archived is None:
        return inputs, policies, study.archived_at is not None
    return inputs, policies, changes.archived


def _fields(wanted: CreateStudyRequest, part: type[StudyInputs | StudyPolicies]) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in part.model_fields}


def _columns(policies: StudyPolicies) -> tuple[Any, ...]:
    return (
        policies.personal_data,
        policies.doubtful_speakers,
        policies.statements,
        policies.retention_days,
        policies.daily_budget_usd,
        list(policies.models),
        list(policies.producers),
    )
