"""Runs a service as a process: health over HTTP, signals, waiting for dependencies."""
