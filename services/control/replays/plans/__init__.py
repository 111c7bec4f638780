"""Replay plans: frozen sets of dead letters that go back at a rate and in steps."""

from __future__ import annotations

from control.replays.plans.runner import ReplayPlanRunner
from control.replays.plans.store import ReplayPlanStore

__all__ = ["ReplayPlanRunner", "ReplayPlanStore"]
