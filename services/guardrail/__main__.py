"""Runs guardrail until SIGTERM: ``python -m guardrail``."""

from guardrail.app import app
from messaging import run

if __name__ == "__main__":
    run(app)
