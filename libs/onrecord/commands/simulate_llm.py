"""``onrecord simulate-llm``: the simulator on its own."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command ``simulate-llm`` to the command line."""
    app.command(
        "simulate-llm",
        rich_help_panel="Tools",
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(simulate_llm)


def simulate_llm(context: typer.Context) -> None:
    """Serve a simulated OpenAI-compatible model, with the options of the simulator.

    Examples of use:

        onrecord simulate-llm --port 8080 --seed 7
        onrecord simulate-llm --config models.yaml --requests-per-minute 600
        onrecord simulate-llm --help
    """
    from simulator.__main__ import main  # noqa: PLC0415 - slow to import

    raise typer.Exit(main(context.args, program="onrecord simulate-llm"))
