"""JSON bodies that are taken as they were written: no number is read as a flag, nor text as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from control.domain import BadRequestError

T = TypeVar("T")

_QUOTED: Final = 40
"""Most characters of a name that an error quotes."""


class StrictJson:
    """Annotation by which an endpoint's body is validated strictly, as the JSON that it was.

    FastAPI validates what Python's parser made of a body, as pydantic does by default: ``true`` is
    1 then, ``"5"`` is 5, and a number is a time. What a client did not mean is better refused.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return a schema that validates as JSON; OpenAPI shows that of the model."""
        adapter: TypeAdapter[Any] = TypeAdapter(source)

        def validate(value: Any, _: Callable[[Any], Any]) -> Any:
            # Only of JSON does pydantic take text for an id or a time, and a list for a tuple,
            # and is strict all the same.
            return adapter.validate_json(json.dumps(value), strict=True)

        return core_schema.no_info_wrap_validator_function(validate, handler(source))


JsonBody = Annotated[T, StrictJson()]
"""Body of an endpoint, by its model."""


def refuse_ambiguous_json(content: bytes) -> None:
    """Refuse JSON in which a name stands twice: parsers differ in which of the values counts.

    Args:
        content: JSON, as it was parsed before.

    Raises:
        BadRequestError: one does.
    """
    json.loads(content, object_pairs_hook=_refuse_repeated_names)


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            shown = name[:_QUOTED].encode(errors="replace").decode()
            raise BadRequestError(f"{shown}: is given more than once")
        seen.add(name)
