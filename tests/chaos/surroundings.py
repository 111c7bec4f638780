"""Environment variables of a round's worker processes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chaos.crashes import due_to_text
from chaos.fates import THROTTLE_CEILING_S, TIERS, TRIES
from chaos.plan import Plan, Trouble
from chaos.worker import CRASHES, FOLDER, SEED
from messaging import KafkaSettings
from support.broker import PROBE

DEADLINE_S: Final = 2.0
FAR_DEADLINE_S: Final = 90.0
"""Where processes are stopped, so that their sleep is not taken for a handler that hangs."""


def environment(plan: Plan, kafka: KafkaSettings, folder: Path) -> dict[str, str]:
    """Return the environment of a round's workers, without instance ids.

    Args:
        plan: the round.
        kafka: how to reach the broker.
        folder: where they note what happened.
    """
    return {
        FOLDER: str(folder),
        SEED: plan.seed,
        CRASHES: due_to_text(plan.due),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "KAFKA_SESSION_TIMEOUT_MS": str(kafka.session_timeout_ms),
        "KAFKA_REBALANCE_TIMEOUT_MS": str(kafka.rebalance_timeout_ms),
        "KAFKA_IDLE_PAUSE_MS": str(kafka.idle_pause_ms),
        **{f"{PROBE.upper()}_{name}": value for name, value in _stage(plan).items()},
    }


def _stage(plan: Plan) -> dict[str, str]:
    """What the stage is set to: quick, but no quicker than the machine."""
    return {
        "MAX_IN_FLIGHT": "6",
        "ORDER": plan.order,
        "DEADLINE_S": str(FAR_DEADLINE_S if plan.trouble is Trouble.STOP else DEADLINE_S),
        "TRIES": str(TRIES),
        "RETRY_WAIT_S": "0.01",
        "RETRY_DELAYS_S": ",".join(["0.2", "0.4"][:TIERS]),
        "THROTTLE_CEILING_S": str(THROTTLE_CEILING_S),
        "STOP_WINDOW": "100000",
        "OWN_OUTAGE_PATIENCE_S": "0",
        "COMMIT_INTERVAL_S": "0.1",
        "DRAIN_GRACE_S": "5",
        "REVOKE_DRAIN_S": "1",
        "OUTAGE_PAUSE_S": "0.1",
        "OUTAGE_PAUSE_MAX_S": "0.3",
    }
