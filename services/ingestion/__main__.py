"""Runs ingestion until SIGTERM: ``python -m ingestion``."""

from ingestion.app import app
from messaging import run

if __name__ == "__main__":
    run(app)
