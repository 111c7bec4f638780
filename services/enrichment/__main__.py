"""Runs enrichment until SIGTERM: ``python -m enrichment``."""

from enrichment.app import app
from messaging import run

if __name__ == "__main__":
    run(app)
