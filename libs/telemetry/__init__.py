"""Structured logging, the same in every process."""
