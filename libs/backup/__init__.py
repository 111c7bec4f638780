"""Backups of PostgreSQL with the offsets in Kafka that belong to them, and their restoration."""
