"""An OpenAI-compatible server that answers from the prompt itself, and fails as it is told to."""

from simulator.schedule import Clock
from simulator.server import create_app, running, serve
from simulator.settings import SimulatorSettings

__all__ = ["Clock", "SimulatorSettings", "create_app", "running", "serve"]
