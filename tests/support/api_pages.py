"""Writes ``schemas/openapi.yaml`` and the table of roles in ``docs/security.md`` from the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from contracts.access import Role
from control.access.rights import RIGHTS, Right
from control.api import build_openapi_document
from control.api.application import PREFIX, ROUTERS
from control.api.authorization import Requires

ROOT: Final = Path(__file__).parents[2]
OPENAPI: Final = ROOT / "schemas" / "openapi.yaml"
SECURITY: Final = ROOT / "docs" / "security.md"
BEGIN: Final = "<!-- roles: written by `make contracts` -->\n"
END: Final = "<!-- roles end -->\n"


def list_endpoints(*, of_tokens: bool = False) -> Iterator[tuple[str, str, frozenset[Right]]]:
    """Yield the method, the path below ``/v1`` and the rights that each endpoint demands.

    Args:
        of_tokens: only those that take an access token; some begin or end a browser's session.
    """
    for route in (route for router in ROUTERS for route in router.routes):
        assert isinstance(route, APIRoute)
        if of_tokens and not _takes_token(route.dependant):
            continue
        for method in route.methods or ():
            yield method, route.path, _rights_of(route.dependant)


def render_openapi() -> str:
    """Return the API's OpenAPI document as YAML."""
    return yaml.safe_dump(build_openapi_document(), sort_keys=False, allow_unicode=True, width=100)


def render_roles() -> str:
    """Return the table of which role may call which endpoint."""
    head = ["| endpoint |", *(f" {role} |" for role in Role)]
    lines = ["".join(head), "|---|" + "---|" * len(Role)]
    for method, path, rights in list_endpoints(of_tokens=True):
        cells = (" yes |" if rights <= RIGHTS[role] else " |" for role in Role)
        lines.append("".join([f"| `{method} {PREFIX}{path}` |", *cells]))
    return "\n".join(lines) + "\n"


def render_security_page(page: str) -> str:
    """Return the page on security with the table of roles as the API has it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{render_roles()}\n{END}{after}"


def _takes_token(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Requires) or any(map(_takes_token, dependant.dependencies))


def _rights_of(dependant: Dependant) -> frozenset[Right]:
    own = dependant.call.rights if isinstance(dependant.call, Requires) else ()
    return frozenset(own).union(*(_rights_of(one) for one in dependant.dependencies))


if __name__ == "__main__":
    OPENAPI.write_text(render_openapi(), encoding="utf-8")
    SECURITY.write_text(render_security_page(SECURITY.read_text("utf-8")), encoding="utf-8")
