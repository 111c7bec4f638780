"""Runs persistence until SIGTERM: ``python -m persistence``."""

from messaging import run_service
from persistence.app import app

if __name__ == "__main__":
    run_service(app)
