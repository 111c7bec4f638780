"""Each way in which a model fails, and what the tests found becomes of the chunk it fails on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MARK: Final = "violin"
"""Said in the chunk that a case is about, and in no other."""

ONCE: Final = {"times": 1}
DOWN: Final = {"at": 0, "lasts": 2.5}


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table.

    Attributes:
        name: what goes wrong, for people.
        ends: where the chunk is when all has settled.
        rule: the simulator's rule, for the marked chunk.
        model: what the simulated model is like.
        outage: of the simulated endpoint; everybody's.
    """

    name: str
    ends: str
    rule: Mapping[str, Any] | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    outage: Mapping[str, Any] | None = None

    @property
    def simulator(self) -> dict[str, Any]:
        """The simulator's settings."""
        settings: dict[str, Any] = {"seed": 7, **self.model}
        if self.rule is not None:
            settings["rules"] = [{"match": MARK, **self.rule}]
        return settings


DRAFTED: Final = "notes"
SECOND_DRAFT: Final = "notes, of a second draft"
WAITED: Final = "waits out the outage, then notes; no dead letter"
HELD: Final = "waits in a retry topic, as asked"
MISCONFIGURED: Final = "waits until the settings are mended; no dead letter"


def dead(code: str) -> str:
    """Set aside with a code."""
    return f"dead letter `{code}`"


CASES: Final[Sequence[Case]] = (
    Case("nothing", DRAFTED),
    Case("hangs once", DRAFTED, {"fault": "hang", **ONCE}),
    Case("hangs always", dead("llm_timeout"), {"fault": "hang"}),
    Case("stalls once", DRAFTED, {"fault": "stall", **ONCE}),
    Case("stalls always", dead("llm_timeout"), {"fault": "stall"}),
    Case("cuts the connection once", DRAFTED, {"fault": "disconnect", **ONCE}),
    Case("cuts the connection always", dead("llm_server_error"), {"fault": "disconnect"}),
    Case("slow, but in time", DRAFTED, {"fault": "slow", "delay": 0.3}),
    Case("slow beyond patience, always", dead("llm_timeout"), {"fault": "slow", "delay": 30}),
    Case(
        "429 once, with both headers",
        DRAFTED,
        {"fault": "rate_limit", "retry_after": 0.3, **ONCE},
    ),
    Case(
        "429 once, in seconds",
        DRAFTED,
        {"fault": "rate_limit", "retry_after": 1, "retry_after_in": "seconds", **ONCE},
    ),
    Case(
        "429 once, as a date",
        DRAFTED,
        {"fault": "rate_limit", "retry_after": 1, "retry_after_in": "date", **ONCE},
    ),
    Case(
        "429 once, without a time",
        DRAFTED,
        {"fault": "rate_limit", "retry_after_in": "nothing", **ONCE},
    ),
    Case(
        "429 once, to come back in a minute",
        HELD,
        {"fault": "rate_limit", "retry_after": 60, **ONCE},
    ),
    Case("500 once", DRAFTED, {"fault": "server_error", **ONCE}),
    Case("500 always", dead("llm_server_error"), {"fault": "server_error"}),
    Case("503 once", DRAFTED, {"fault": "server_error", "status": 503, **ONCE}),
    Case("503 always", dead("llm_server_error"), {"fault": "server_error", "status": 503}),
    Case("no JSON once", DRAFTED, {"fault": "invalid_json", **ONCE}),
    Case("no JSON always", dead("llm_bad_output"), {"fault": "invalid_json"}),
    Case("cut off once", DRAFTED, {"fault": "cut_off", **ONCE}),
    Case("cut off always", dead("llm_cut_off"), {"fault": "cut_off"}),
    Case("refuses once", DRAFTED, {"fault": "refusal", **ONCE}),
    Case("refuses always", dead("llm_refused"), {"fault": "refusal"}),
    Case("alters a number once", SECOND_DRAFT, {"fault": "altered_number", **ONCE}),
    Case("alters a number always", dead("ungrounded"), {"fault": "altered_number"}),
    Case("rounds a number always", DRAFTED, {"fault": "paraphrased_number"}),
    Case("drops a negation once", DRAFTED, {"fault": "dropped_negation", **ONCE}),
    Case("drops a negation always", DRAFTED, {"fault": "dropped_negation"}),
    Case("names a wrong segment once", SECOND_DRAFT, {"fault": "wrong_segment", **ONCE}),
    Case("names a wrong segment always", dead("ungrounded"), {"fault": "wrong_segment"}),
    Case("names an unknown theme always", dead("ungrounded"), {"fault": "unknown_theme"}),
    Case("quotes the interviewer always", dead("ungrounded"), {"fault": "interviewer_quote"}),
    Case("puts JSON into code fences", DRAFTED, model={"wrapping": "fences"}),
    Case("thinks aloud before the JSON", DRAFTED, model={"wrapping": "reasoning"}),
    Case("refuses JSON schemas", DRAFTED, model={"json_schema": "refused"}),
    Case("ignores the JSON schema", DRAFTED, model={"json_schema": "ignored"}),
    Case("context too short for the chunk", DRAFTED, model={"context_tokens": 3_260}),
    Case("outage: answers 503", WAITED, outage={"kind": "server_error", **DOWN}),
    Case("outage: hangs", WAITED, outage={"kind": "hang", **DOWN}),
    Case("outage: cuts all connections", WAITED, outage={"kind": "disconnect", **DOWN}),
    Case("unknown model (404)", MISCONFIGURED, model={"models": {"another": {}}}),
)
