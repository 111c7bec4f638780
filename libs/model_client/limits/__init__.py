"""What keeps calls within what an endpoint can take: rate limits, concurrency, circuit breaker."""
