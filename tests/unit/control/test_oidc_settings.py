"""Settings of an OpenID Connect issuer: what does not fit together ends the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from configuration.settings_errors import list_settings_errors
from contracts.access import Role, RoleGrant
from control.access.oidc import LoginInProgress, LoginRefusedError, OidcSettings
from control.access.oidc.roles import load_role_mapping
from control.settings import ControlSettings

ISSUER = "https://login.example.org/realms/one"
RULES = """
- claim: groups
  value: interviewers
  grants:
    - {role: reader, study_id: small-repair-shops}
    - {role: researcher, study_id: small-repair-shops}
- claim: realm_access.roles
  value: operations
  grants: [{role: operator}]
- claim: https://example.org/roles
  value: boss
  grants: [{role: admin}, {role: operator}]
"""
OWN = "small-repair-shops"
READER = RoleGrant(role=Role.READER, study_id=OWN)
RESEARCHER = RoleGrant(role=Role.RESEARCHER, study_id=OWN)
OPERATOR = RoleGrant(role=Role.OPERATOR)
ADMIN = RoleGrant(role=Role.ADMIN)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "roles.yaml"
    file.write_text(RULES, "utf-8")
    return file


@pytest.mark.parametrize(
    ("claims", "grants"),
    [
        ({}, ()),
        ({"groups": "interviewers"}, (READER, RESEARCHER)),
        ({"groups": ["others", "interviewers"]}, (READER, RESEARCHER)),
        ({"groups": "interviewers others"}, ()),
        ({"groups": ["Interviewers"]}, ()),
        ({"groups": {"interviewers": True}}, ()),
        ({"groups": [["interviewers"]]}, ()),
        ({"realm_access": {"roles": ["operations"]}}, (OPERATOR,)),
        ({"realm_access": "roles"}, ()),
        ({"realm_access.roles": "operations"}, (OPERATOR,)),
        ({"https://example.org/roles": "boss", "realm_access": {"roles": "operations"}},
         (OPERATOR, ADMIN)),
    ],
    ids=str,
)  # fmt: skip
def test_claims_give_the_roles_of_the_rules_that_fit(
    rules: Path, claims: dict[str, Any], grants: tuple[RoleGrant, ...]
) -> None:
    assert load_role_mapping(rules).list_grants(claims) == grants


@pytest.mark.parametrize(
    "text",
    [
        "groups: interviewers",
        "- {claim: groups, value: x}",
        "- {claim: groups, value: x, grants: []}",
        "- {claim: groups, value: x, grants: [{role: king}]}",
        "- {claim: groups, value: x, grants: [{role: admin, study: typo}]}",
        "- {claim: '', value: x, grants: [{role: admin}]}",
        "- {claim: groups, value: '', grants: [{role: admin}]}",
        "{",
        "\x00",
        "",
    ],
)
def test_a_file_that_holds_no_rules_is_refused(rules: Path, text: str) -> None:
    rules.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="CONTROL_OIDC_ROLES_FILE"):
        load_role_mapping(rules)


def test_without_an_issuer_nothing_is_needed() -> None:
    assert OidcSettings().issuer == ""


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"issuer": "http://login.example.org"}, "CONTROL_OIDC_ISSUER"),
        ({"issuer": "https://user@login.example.org"}, "CONTROL_OIDC_ISSUER"),
        ({"issuer": "login.example.org"}, "CONTROL_OIDC_ISSUER"),
        ({"issuer": "https://login.example.org:x"}, "CONTROL_OIDC_ISSUER"),
        ({"issuer": ""}, "CONTROL_OIDC_ISSUER"),
        ({"roles_file": None}, "CONTROL_OIDC_ROLES_FILE"),
        ({"roles_file": Path("/nowhere")}, "CONTROL_OIDC_ROLES_FILE"),
        ({"audience": ""}, "CONTROL_OIDC_AUDIENCE"),
        ({"client_id": "api"}, "CONTROL_OIDC_AUDIENCE"),
        ({"scopes": "email"}, "CONTROL_OIDC_SCOPES"),
        ({"client_secret_file": Path("/nowhere")}, "CONTROL_OIDC_CLIENT_SECRET_FILE"),
        ({"ca_file": Path("/nowhere")}, "CONTROL_OIDC_CA_FILE"),
        ({"name_claim": ""}, "CONTROL_OIDC_NAME_CLAIM"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_named(
    rules: Path, settings: dict[str, Any], named: str
) -> None:
    fitting: dict[str, Any] = {"issuer": ISSUER, "audience": "api", "roles_file": rules}
    assert OidcSettings(**fitting).issuer == ISSUER
    with pytest.raises(ValidationError) as raised:
        OidcSettings(**fitting | settings)
    (line,) = list_settings_errors(raised.value)
    assert line.startswith(named)


@pytest.mark.parametrize(
    "url",
    [
        "https://control.example.org",
        "https://control.example.org:8443",
        "http://127.0.0.1:8080",
        "http://localhost",
    ],
)
def test_the_address_of_browsers_is_protected(url: str) -> None:
    assert ControlSettings(public_url=url).public_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://control.example.org",
        "https://control.example.org/",
        "https://control.example.org/console",
        "https://",
        "control.example.org",
    ],
)
def test_an_address_of_browsers_that_is_not_or_has_a_path_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="public_url"):
        ControlSettings(public_url=url)


def test_what_a_login_remembers_follows_from_its_secret_alone() -> None:
    login, again, other = (
        LoginInProgress("a secret"),
        LoginInProgress("a secret"),
        LoginInProgress.begin(),
    )
    assert (login.state, login.nonce, login.verifier) == (again.state, again.nonce, again.verifier)
    derived = {one for of in (login, other) for one in (of.state, of.nonce, of.verifier, of.secret)}
    assert len(derived) == 8
    assert len(login.verifier) >= 43  # RFC 7636, section 4.1
    login.require_state(again.state)
    for state in (other.state, "", "\xe9", login.nonce):
        with pytest.raises(LoginRefusedError):
            login.require_state(state)
