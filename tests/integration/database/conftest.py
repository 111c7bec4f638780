"""Fixtures of these tests: a PostgreSQL server, and a fresh database a test."""

from support.postgres import fresh_database, postgres, postgres_settings, postgres_template

__all__ = ["fresh_database", "postgres", "postgres_settings", "postgres_template"]
