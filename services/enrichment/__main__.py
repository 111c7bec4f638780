"""Runs enrichment until SIGTERM: ``python -m enrichment``."""

from enrichment.app import app
from messaging import run_service

if __name__ == "__main__":
    run_service(app)
