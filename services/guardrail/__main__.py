"""Runs guardrail until SIGTERM: ``python -m guardrail``."""

from guardrail.app import app
from messaging import run_service

if __name__ == "__main__":
    run_service(app)
