"""Runs ingestion until SIGTERM: ``python -m ingestion``."""

from ingestion.app import app
from messaging import run_service

if __name__ == "__main__":
    run_service(app)
