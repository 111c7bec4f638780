"""Processing of one message: tries, deadline, failure policy, outages, and the breaker."""
