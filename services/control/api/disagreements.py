"""Endpoint of notes of one question or theme that oppose each other."""

from __future__ import annotations

from typing import Annotated, Final, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.control_api import Asked
from control.access.rights import Right
from control.api.authorization import NoteReader
from control.api.context import Context
from control.api.openapi import build_error_responses
from control.api.studies import StudyPath, require_study
from read_model.disagreements import DisagreementQueries, DisagreementReport, DisagreementTopic

MAX_PAIRS: Final = 100
"""Most pairs of notes that are returned."""

router: Final = APIRouter(tags=["notes"])


class FindDisagreementsRequest(BaseModel):
    """Parameters of the request for notes that oppose each other."""

    model_config = ConfigDict(extra="forbid")

    question: Asked | None = Field(None, description="Notes on this question, by its id.")
    theme: Asked | None = Field(None, description="Notes of this theme, by its id.")
    exact: bool = Field(
        default=False,
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail.",
    )
    limit: int = Field(20, ge=1, le=MAX_PAIRS, description="At most so many pairs.")

    @model_validator(mode="after")
    def _name_one(self) -> Self:
        if (self.question is None) == (self.theme is None):
            raise PydanticCustomError("one", "give one of `question` and `theme`")
        return self


@router.get("/studies/{study_id}/disagreements", responses=build_error_responses(404, 422))
async def find_disagreements(
    study_id: StudyPath,
    which: Annotated[FindDisagreementsRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> DisagreementReport:
    """Find notes of a question or theme that oppose each other: by an opposite, negation or number.

    Code compares statements that share most of their words, within bounds that the answer states;
    only those of studies in English, and none with a placeholder for a masked name: how many are
    left out, the answer says. It sees neither what is said in other words, nor irony, nor that two
    people mean different things; whether it is a disagreement, the quotes say.
    """
    if which.exact:
        caller.require([Right.READ_EVIDENCE], study_id)
        await context.trail.record(caller, "notes.read_exact", study_id, study_id)
    found = await DisagreementQueries(
        context.database, context.compute_for(caller.token_id), exact=which.exact
    ).find(DisagreementTopic(study_id, which.question, which.theme), limit=which.limit)
    if not found.total:
        await require_study(context, study_id)
    return found
