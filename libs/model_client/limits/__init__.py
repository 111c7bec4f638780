"""Limits on calls to an endpoint: rate limits, adaptive concurrency, circuit breaker."""
