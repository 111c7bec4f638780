"""``onrecord demo``: everything once, on samples, from start to stop."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel="Local stack")(demo)


def demo() -> None:
    """Run three sample interviews through the whole system, failures and replay included.

    Starts a stack of its own under `.onrecord/demo`, and stops it at the end. With OPENAI_API_KEY
    or OPENAI_BASE_URL set, that model is asked instead of the simulator.

    Examples of use:

        onrecord demo
        OPENAI_API_KEY=... ONRECORD_MODEL=... onrecord demo
    """
    from onrecord.demo import play  # noqa: PLC0415 - only this verb needs the whole stack

    play()
