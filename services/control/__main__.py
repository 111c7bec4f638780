"""Runs control until SIGTERM: ``python -m control``."""

from control.app import app
from messaging import run_service

if __name__ == "__main__":
    run_service(app)
