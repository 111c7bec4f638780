"""Options of a replay: what holds for its messages alone, in place of settings and of the study.

Control writes them, as JSON in one header, behind a replayed message's own headers. A stage honours
them there, in its retry topics, and where only another stage writes (``OPTION_TOPICS``), which
passes on what it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationError

from contracts.control_api import ColumnText, ControlApiModel, Moment
from contracts.errors import BadMessageError, ErrorCode
from contracts.study import ModelName, PersonalData, StatementPolicy
from contracts.topics import CHUNKS_READY, NOTES_DRAFTED, NOTES_REJECTED

T = TypeVar("T")

SHORTEST_DEADLINE_S: Final = 5
LONGEST_DEADLINE_S: Final = 600
"""Limits of a deadline, in seconds: a message has its place in its stage for as long."""

OPTION_TOPICS: Final = frozenset({CHUNKS_READY.name, NOTES_DRAFTED.name, NOTES_REJECTED.name})
"""Topics that one stage alone writes to, whose messages cause calls of models or are checked."""


class ReplayOverrides(ControlApiModel):
    """Settings for replayed messages only, such as model or deadline; None changes nothing.

    Policies can only be tightened: of the study's and these, the stricter one counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: ModelName | None = Field(
        None, description="The model that drafts, by its name in the installation's settings."
    )
    prompt_version: ColumnText | None = Field(
        None, max_length=64, description="Version of the prompt for drafts, such as `notes-3`."
    )
    deadline_s: int | None = Field(
        None,
        ge=SHORTEST_DEADLINE_S,
        le=LONGEST_DEADLINE_S,
        description="How long a stage may work on such a message, in seconds.",
    )
    personal_data: PersonalData | None = Field(
        None, description="Policy on personal data, if it is stricter than the study's."
    )
    statements: StatementPolicy | None = Field(
        None, description="Policy on statements, if it is stricter than the study's."
    )
    budget_usd: Decimal | None = Field(
        None,
        gt=0,
        lt=1_000_000_000,
        allow_inf_nan=False,
        description="Most that calls of models may cost which these messages cause, in US dollars. "
        "Each is made only if the most it can cost still fits.",
    )
    plan_id: UUID | None = Field(
        None, description="The plan whose budget that is; control sets it."
    )
    fresh: bool = Field(
        default=False,
        description="Whether models are asked anew in place of answers that were kept. Each is "
        "asked once, and its new answer takes the kept one's place.",
    )
    fresh_since: Moment | None = Field(
        None,
        description="When that was asked for; control sets it. Answers that were kept since are "
        "used, so that a message that is delivered twice is paid for once.",
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set."""
        return self == ReplayOverrides()


NO_OVERRIDES: Final = ReplayOverrides()


class InvalidReplayOptionsError(BadMessageError):
    """Raised when the replay options in a message's header are unknown to this version."""

    code = ErrorCode.INVALID_EVENT


def encode_replay_options(overrides: ReplayOverrides) -> bytes | None:
    """Encode a replay's overrides as the value of a Kafka header; None if nothing is set."""
    if overrides.is_empty:
        return None
    return overrides.model_dump_json(exclude_defaults=True).encode()


@lru_cache(maxsize=256)
def decode_replay_options(value: bytes) -> ReplayOverrides:
    """Decode a replay's overrides from the value of a Kafka header.

    Raises:
        InvalidReplayOptionsError: it is not what this version of the code writes.
    """
    try:
        return ReplayOverrides.model_validate_json(value)
    except ValidationError:
        # What is ignored would have the message handled in another way than an operator asked for.
        raise InvalidReplayOptionsError(
            "the options of its replay are none that this version of the service knows"
        ) from None


def keep_stricter_policies(earlier: ReplayOverrides, overrides: ReplayOverrides) -> ReplayOverrides:
    """Return what a replay sets, with the policies of the replay before it where they are stricter.

    What an operator tightened for a message is not loosened by replaying it once more; a model, a
    prompt or a deadline is of one replay.

    Args:
        earlier: what the replay before set for this message.
        overrides: what this replay asks for.
    """
    policies: dict[str, object] = {}
    if earlier.personal_data is not None:
        policies["personal_data"] = _choose_strictest(
            _STRICTNESS_OF_PERSONAL_DATA, earlier.personal_data, overrides.personal_data
        )
    if earlier.statements is not None:
        policies["statements"] = _choose_strictest(
            _STRICTNESS_OF_STATEMENTS, earlier.statements, overrides.statements
        )
    return overrides.model_copy(update=policies) if policies else overrides


_STRICTNESS_OF_PERSONAL_DATA: Final = (
    PersonalData.ALLOW,
    PersonalData.MASK,
    PersonalData.REJECT,
)
_STRICTNESS_OF_STATEMENTS: Final = (
    StatementPolicy.ALL,
    StatementPolicy.CONFIRMED,
    StatementPolicy.PROVEN,
    StatementPolicy.QUOTES,
)


def choose_stricter_personal_data(
    policy: PersonalData | None, override: PersonalData | None, default: PersonalData
) -> PersonalData:
    """Return the stricter of a study's policy on personal data and an override.

    Args:
        policy: the study's; None if it does not say.
        override: what a replay asks for.
        default: the installation's, for studies that do not say.
    """
    return _choose_strictest(_STRICTNESS_OF_PERSONAL_DATA, policy or default, override)


def choose_stricter_statements(
    policy: StatementPolicy, override: StatementPolicy | None
) -> StatementPolicy:
    """Return the stricter of a study's policy on statements and an override."""
    return _choose_strictest(_STRICTNESS_OF_STATEMENTS, policy, override)


def _choose_strictest(order: Sequence[T], policy: T, override: T | None) -> T:
    return policy if override is None else max(policy, override, key=order.index)
