"""Which claims of a person give which roles: a YAML file.

- claim: groups                    # or a path, such as realm_access.roles
  value: interviewers
  grants:
    - {role: reader, study_id: small-repair-shops}
- claim: groups
  value: operations
  grants: [{role: operator}]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contracts.access import MAX_GRANTS, RoleGrant

_SETTING: Final = "CONTROL_OIDC_ROLES_FILE"


class RoleRule(BaseModel):
    """Rule that gives roles to each person whose OpenID Connect claim has a value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str = Field(min_length=1)
    value: str = Field(min_length=1)
    grants: tuple[RoleGrant, ...] = Field(min_length=1, max_length=MAX_GRANTS)

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Return whether the claim is the value, or a list that has it."""
        found = _look_up(claims, self.claim)
        return found == self.value or (isinstance(found, list) and self.value in found)


_RULES: Final = TypeAdapter(tuple[RoleRule, ...])


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """Mapping of a person's OpenID Connect claims to roles, by rules."""

    rules: tuple[RoleRule, ...]

    def list_grants(self, claims: Mapping[str, Any]) -> tuple[RoleGrant, ...]:
        """Return the roles that claims give, each once; none if no rule fits."""
        grants = (grant for rule in self.rules if rule.fits(claims) for grant in rule.grants)
        return tuple(dict.fromkeys(grants))


def load_role_mapping(file: Path) -> RoleMapping:
    """Load the rules that map OpenID Connect claims to roles from a YAML file.

    Raises:
        ValueError: it cannot be read, or does not hold rules.
    """
    try:
        return RoleMapping(_RULES.validate_python(yaml.safe_load(file.read_text("utf-8"))))
    except OSError as error:
        raise ValueError(f"{_SETTING}: cannot read {file} ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{_SETTING}: {file}: {place}: {first['msg']}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{_SETTING}: {file} is no YAML") from error


def _look_up(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name or, where none has it, by a path with dots; None if missing."""
    if path in claims:  # names that are URLs have dots
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
