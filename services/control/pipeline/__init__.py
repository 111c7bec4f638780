"""The other services: their state by Kafka and by their ports, and what waits for a retry."""
