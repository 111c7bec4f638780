"""``onrecord demo``: everything once, on samples, from start to stop."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class DemoModel(StrEnum):
    """Language model that the demo runs with: the simulator, or a small local model."""

    LOCAL = "local"


Asked = Annotated[
    DemoModel | None,
    typer.Option(
        "--model",
        help="`local`: a small real model on the CPU (`make local-llm` installs it), which makes "
        "up most of what it says.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command ``demo`` to the command line."""
    app.command(rich_help_panel="Local stack")(demo)


def demo(model: Asked = None) -> None:
    """Run the demo: sample interviews through all services, with failures and a replay.

    Starts a stack of its own under `.onrecord/demo`, and stops it at the end. With OPENAI_API_KEY
    or OPENAI_BASE_URL set, that model is asked instead of the simulator. With --model local it is
    one short interview, read by a small model on this machine's CPU.

    Examples of use:

        onrecord demo
        onrecord demo --model local
        OPENAI_API_KEY=... ONRECORD_MODEL=... onrecord demo
    """
    if model is DemoModel.LOCAL:
        from onrecord.demo.local_model import run_local_model_demo  # noqa: PLC0415 - slow to import

        run_local_model_demo()
        return
    from onrecord.demo.samples import run_simulator_demo  # noqa: PLC0415 - needs the whole stack

    run_simulator_demo()
