"""Requests that schemathesis makes up from the OpenAPI document, as each role: no surprises."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from database.pool import Database
from persistence.store import NotesStore
from support.api_pages import OPENAPI, list_endpoints
from support.control_office import Office
from support.interviews import ingested, note, validated

EXAMPLES: Final = {Role.ADMIN: 10}
"""Requests made up per endpoint and phase, by role."""

FEWER_EXAMPLES: Final = 4
"""The same for roles that are refused most of what an admin may ask."""

PHASES: Final = {Role.ADMIN: "examples,coverage,fuzzing,stateful"}
FEWER_PHASES: Final = "fuzzing,stateful"
"""What schemathesis tries, by role; ``coverage``, of each way to be invalid, once."""

PATIENCE_S: Final = 60
"""Longest wait for an answer: how long one takes tells of the machine, not of the code."""

CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "role", [Role.ADMIN, *(pytest.param(one, marks=pytest.mark.long) for one in [*Role][:-1])]
)
async def test_made_up_requests_get_documented_answers(
    office: Office, fresh_database: Database, tmp_path: Path, role: Role
) -> None:
    await office.died(b"v", 1)
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(note("She would not recommend it")))
    wanted = CreateTokenRequest(name="stranger", grants=(RoleGrant(role=role),))
    secret = (await office.context.tokens.create(wanted, "a test")).secret
    examples = EXAMPLES.get(role, FEWER_EXAMPLES)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(OPENAPI)),
        *("--url", f"{office.url}/v1", "--header", f"Authorization: Bearer {secret}"),
        *("--checks", CHECKS, "--max-examples", str(examples), "--seed", "1", "--no-color"),
        *("--phases", PHASES.get(role, FEWER_PHASES), "--request-timeout", str(PATIENCE_S)),
        # An answer without an end is no answer for it: test_events_stream.py asks there.
        *("--exclude-path", "/events"),
        *("--suppress-health-check", "all", "--generation-database", "none"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert f"Tested: {len(list(list_endpoints())) - 1}" in said.decode()
