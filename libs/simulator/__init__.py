"""OpenAI-compatible server that answers from the prompt itself, with configurable faults."""

from simulator.schedule import SimulatorClock
from simulator.server import create_app, run_server, serve
from simulator.settings import SimulatorSettings

__all__ = ["SimulatorClock", "SimulatorSettings", "create_app", "run_server", "serve"]
