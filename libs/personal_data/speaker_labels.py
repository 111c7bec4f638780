"""Labels of speakers: which of them are names, and which only say a role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ROLE_LABEL: Final = re.compile(
    r"(?i)(?:speaker|interview(?:er|ee)|participant|respondent|moderator|facilitator|host|guest"
    r"|researcher|unknown|male|female|voice|person|user)?[\W\d_]*[a-z]?|[a-z][\W\d_]*"
)
"""Labels that name nobody: a role or a letter, perhaps with a number."""


def list_speaker_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Return those speaker labels that are people's names, without duplicates."""
    return tuple(one for one in dict.fromkeys(labels) if not _ROLE_LABEL.fullmatch(one))
