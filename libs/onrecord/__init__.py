"""What users touch: the command line, the producer client and their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onrecord.client import Producer

__all__ = ["Producer"]


def __getattr__(name: str) -> Any:
    """Import the producer client when it is asked for: the command line starts without it."""
    if name == "Producer":
        from onrecord.client import Producer  # noqa: PLC0415 - slow to import

        return Producer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
