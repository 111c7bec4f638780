"""Who may do what: the rights of each role, and whose token or session a request has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.access import Role, RoleGrant
from contracts.errors import OnrecordError


class Right(StrEnum):
    """Right that an API endpoint requires of the caller, such as to read notes."""

    READ_NOTES = "read_notes"
    READ_EVIDENCE = "read_evidence"
    SUBMIT = "submit"
    EDIT_STUDIES = "edit_studies"
    OPERATE = "operate"
    ADMINISTER = "administer"


RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.READER: frozenset({Right.READ_NOTES}),
    Role.EVIDENCE_READER: frozenset({Right.READ_NOTES, Right.READ_EVIDENCE}),
    Role.RESEARCHER: frozenset({Right.READ_NOTES, Right.SUBMIT, Right.EDIT_STUDIES}),
    Role.OPERATOR: frozenset({Right.OPERATE}),
    Role.ADMIN: frozenset(Right),
}
"""The rights of each role. An operator reads no interview; an admin may do everything."""


class NotAuthenticatedError(OnrecordError):
    """Raised when a request has no valid access token (HTTP 401)."""


class NotPermittedError(OnrecordError):
    """Raised when a caller lacks a right, or a browser request its CSRF proof (HTTP 403)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Caller of the API: its access token or browser session, its roles, and its IP address.

    Attributes:
        token_id: the token's id, or that of a person at the OpenID Connect issuer.
        name: whose it is.
        grants: its roles.
        address: the client's address.
        reason: why it asks, as the request says; may be empty.
        session_id: the browser's session, if the request has no token.
        is_person: whether it is a person of the issuer, whose name is what they chose there.
        trailed: ids of the request's entries in the trail, which get their outcome once it is
            answered; None: it is no request.
    """

    token_id: UUID
    name: str
    grants: tuple[RoleGrant, ...]
    address: str = ""
    reason: str = ""
    session_id: UUID | None = None
    is_person: bool = False
    trailed: list[int] | None = field(default=None, compare=False, repr=False)

    def may(self, right: Right, study_id: str | None = None) -> bool:
        """Return whether it has a right in a study; without a study, in all of them."""
        return any(
            right in RIGHTS[grant.role] and grant.study_id in {None, study_id}
            for grant in self.grants
        )

    def require(self, rights: Iterable[Right], study_id: str | None = None) -> None:
        """Require rights in a study; without a study, in all of them.

        Raises:
            NotPermittedError: one is lacking.
        """
        where = "all studies" if study_id is None else f"the study {study_id}"
        for right in rights:
            if not self.may(right, study_id):
                raise _not_permitted(right, where)

    def require_in_some_study(self, rights: Iterable[Right]) -> None:
        """Require each of some rights in one study at least.

        Raises:
            NotPermittedError: one is lacking everywhere.
        """
        for right in rights:
            if self.list_studies(right) == frozenset():
                raise _not_permitted(right, "a study")

    def list_studies(self, right: Right) -> frozenset[str] | None:
        """Return the studies in which it has a right; None for all of them."""
        if self.may(right):
            return None
        return frozenset(
            grant.study_id
            for grant in self.grants
            if grant.study_id is not None and right in RIGHTS[grant.role]
        )


def _not_permitted(right: Right, where: str) -> NotPermittedError:
    roles = " or ".join(role for role in Role if right in RIGHTS[role])
    return NotPermittedError(f"this takes the role {roles} in {where}")
