"""Shared parts of typed settings: files that settings name, and messages about wrong settings."""
