"""Runs persistence until SIGTERM: ``python -m persistence``."""

from messaging import run
from persistence.app import app

if __name__ == "__main__":
    run(app)
