"""Roles, access tokens and the audit trail, as control's HTTP API has them."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.control_api import ControlApiModel
from contracts.study import Identifier

MAX_TOKEN_DAYS: Final = 3_650
"""Longest life of an access token, in days."""

MAX_SECRET: Final = 200
"""Characters of an access token's secret that are looked at."""

MAX_GRANTS: Final = 100
"""Most roles that one token has."""


class Role(StrEnum):
    """Role of an access token, such as reader; granted for one study or for all studies."""

    READER = "reader"
    EVIDENCE_READER = "evidence_reader"
    RESEARCHER = "researcher"
    OPERATOR = "operator"
    ADMIN = "admin"


def _refuse_invisible_characters(name: str) -> str:
    if any(unicodedata.category(character).startswith("C") for character in name):
        raise PydanticCustomError("invisible", "has a character that cannot be seen")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_refuse_invisible_characters),
]
"""A name that people give: one line, without control, format or unassigned characters."""

StudyId = Identifier
"""A study's id, as ``contracts.study`` has it."""


class RoleGrant(ControlApiModel):
    """Grant of a role to an access token, in one study or in all studies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="What may be done.")
    study_id: StudyId | None = Field(None, description="In this study; None: in all of them.")


class AccessToken(ControlApiModel):
    """Access token of the API as stored: name, roles and dates, without its secret."""

    token_id: UUID = Field(description="Id of the token; it is no secret.")
    name: str = Field(description="Whose it is, as the trail calls it.")
    grants: tuple[RoleGrant, ...] = Field(description="Its roles.")
    created_at: datetime = Field(description="When it was made.")
    created_by: str = Field(description="Name of the token that made it.")
    expires_at: datetime | None = Field(None, description="It is refused from then on.")
    last_used_at: datetime | None = Field(
        None, description="When it was last used, to the minute; None: never."
    )
    revoked_at: datetime | None = Field(None, description="When it was revoked; None: it was not.")


class CreateTokenRequest(BaseModel):
    """Request to create an access token for the API."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="Whose it is, as the trail calls it.")
    grants: tuple[RoleGrant, ...] = Field(
        min_length=1, max_length=MAX_GRANTS, description="Its roles."
    )
    expires_in_days: int | None = Field(
        90, ge=1, le=MAX_TOKEN_DAYS, description="Days until it is refused; null: never."
    )

    @property
    def lifetime(self) -> timedelta | None:
        """How long it is valid; None for ever."""
        return None if self.expires_in_days is None else timedelta(days=self.expires_in_days)


class CreatedToken(ControlApiModel):
    """New access token with its secret, which is shown only once."""

    token: AccessToken
    secret: str = Field(description="Send it as `Authorization: Bearer SECRET`; kept nowhere.")


class WhoAmI(ControlApiModel):
    """Name and roles of the access token that a request was made with."""

    token_id: UUID = Field(
        description="Id of the access token, or of the person at the OpenID Connect issuer."
    )
    name: str
    grants: tuple[RoleGrant, ...]


class OpenSessionRequest(BaseModel):
    """Request to log a browser in with an access token."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(
        min_length=1, max_length=MAX_SECRET, description="The secret of a valid access token."
    )


class CurrentSession(ControlApiModel):
    """Login session of the browser that makes the request."""

    session_id: UUID = Field(description="Id of the session; it is no secret.")
    name: str = Field(description="Whose it is, as the trail calls them.")
    grants: tuple[RoleGrant, ...] = Field(description="Their roles.")
    expires_at: datetime = Field(description="It is refused from then on.")
    csrf_token: str = Field(
        description="Goes into the header `Onrecord-CSRF-Token` of what changes something."
    )


class Session(ControlApiModel):
    """Login session of a browser, as administrators see it in the list of sessions."""

    session_id: UUID = Field(description="Id of the session; it is no secret.")
    name: str = Field(description="Whose it is, as the trail calls them.")
    grants: tuple[RoleGrant, ...] = Field(description="Their roles.")
    token_id: UUID | None = Field(
        None, description="Id of the access token that opened it; None: a login at the issuer."
    )
    issuer: str | None = Field(None, description="The OpenID Connect issuer, for a login there.")
    subject: str | None = Field(None, description="The person's id there.")
    address: str = Field("", description="The client's address at the login.")
    created_at: datetime = Field(description="When it was opened.")
    last_used_at: datetime = Field(description="When it was last used, to the minute.")
    expires_at: datetime = Field(description="It is refused from then on, and earlier if idle.")
    ended_at: datetime | None = Field(None, description="When it was ended; None: it was not.")


class TrailOutcome(StrEnum):
    """Outcome of what an entry of the audit trail says was asked for, such as done or refused.

    ``refused``: as things stood it could not be done, and nothing was. ``failed``: it ended with an
    error, and may be done in part.
    """

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class TrailEntry(ControlApiModel):
    """Entry of the audit trail: one change, or one access to exact quotes, by one caller."""

    entry_id: int = Field(description="Grows with time; the cursor of the trail's pages.")
    at: datetime = Field(description="When.")
    actor: str = Field(description="Name of the token, or of the person.")
    token_id: UUID | None = Field(
        description="Its id, or the person's at the OpenID Connect issuer; None: control itself."
    )
    action: str = Field(description="What was asked for, such as `letter.replay`.")
    target: str = Field(description="Of what, such as a letter's id.")
    study_id: str | None = Field(None, description="In which study, where it is in one.")
    reason: str = Field("", description="Why, where the request said so.")
    address: str = Field("", description="The client's address, as control sees it.")
    cleared_at: datetime | None = Field(
        None,
        description="When its target, reason and address were cleared, as the study keeps them for "
        "a time; null: they are as they were.",
    )
    outcome: TrailOutcome | None = Field(
        None,
        description="What became of it; null: nobody knows, as it is under way, or a crash or an "
        "outage came in between, or the entry is older than outcomes are.",
    )
    status: int | None = Field(
        None, description="HTTP status of the answer; null: unknown, or control did it by itself."
    )


class AccessTokenPage(ControlApiModel):
    """Page of the access tokens, the latest first."""

    tokens: tuple[AccessToken, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class SessionPage(ControlApiModel):
    """Page of the sessions of browsers, the latest first."""

    sessions: tuple[Session, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class TrailPage(ControlApiModel):
    """Page of the audit trail, the latest entry first."""

    entries: tuple[TrailEntry, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")
