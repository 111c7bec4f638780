"""How control's API pages through lists: the parameters that every list takes."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

MAX_CURSOR: Final = 4_500
"""Characters of a list's cursor: it may have a title, of 500 characters that JSON may escape."""

MAX_PAGE: Final = 1_000
"""Most entries of a page, where a list does not say otherwise."""

MAX_MATRIX_PAGE: Final = 200
"""Most interviews of a page of a matrix: each has up to as many cells as the study has topics."""

REPLACED: Final = frozenset({"after", "before", "begin"})
"""Parameters by which lists went on before all of them had a cursor."""


class PageRequest(BaseModel):
    """Parameters of the request to list something, one page at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(100, ge=1, le=MAX_PAGE, description="At most so many.")
    cursor: str | None = Field(
        None, max_length=MAX_CURSOR, description="Where to go on: `next` of the page before."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_what_replaces(cls, given: Any) -> Any:
        for name in sorted(REPLACED - cls.model_fields.keys()):
            if isinstance(given, dict) and name in given:
                raise PydanticCustomError(
                    "replaced",
                    "`{name}` is not taken any more: give `next` of the page before as `cursor`",
                    {"name": name},
                )
        return given
