"""Sends records in batches and reports each once the broker has it on all replicas."""
