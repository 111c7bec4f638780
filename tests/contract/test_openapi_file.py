"""``schemas/openapi.yaml`` and the table of roles are what the API has."""

from __future__ import annotations

import re

from contracts.access import Role
from control.api import build_openapi_document
from support.api_pages import (
    OPENAPI,
    SECURITY,
    list_endpoints,
    render_openapi,
    render_security_page,
)


def test_the_openapi_document_is_that_of_the_api() -> None:
    assert OPENAPI.read_text("utf-8") == render_openapi(), "run `make contracts`"


def test_the_table_of_roles_is_that_of_the_api() -> None:
    page = SECURITY.read_text("utf-8")
    assert page == render_security_page(page), "run `make contracts`"


def test_every_operation_demands_a_token_and_says_how_it_fails() -> None:
    operations = [
        one for path in build_openapi_document()["paths"].values() for one in path.values()
    ]
    assert len(operations) == len(list(list_endpoints()))
    of_browsers: dict[str, list[dict[str, list[str]]]] = {
        "begin_login": [],  # before there is a session
        "finish_login": [],
        "open_session": [],
        "read_session": [{"session": []}],
        "close_session": [{"session": []}],
    }
    for operation in operations:
        demanded = of_browsers.get(operation["operationId"], [{"token": []}, {"session": []}])
        assert operation.get("security", []) == demanded
        assert {"400", "401", "403", "421", "503"} <= operation["responses"].keys()
        assert re.fullmatch("[a-z_]+", operation["operationId"])


def test_every_parameter_of_a_query_is_described() -> None:
    for path, operations in build_openapi_document()["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                assert parameter.get("description"), (path, parameter["name"])


def test_roles_are_named_as_people_type_them() -> None:
    assert [role.value for role in Role] == [
        "reader",
        "evidence_reader",
        "researcher",
        "operator",
        "admin",
    ]
