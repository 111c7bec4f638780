"""Access to the broker: topics, security, partition logs, and requests aiokafka does not offer."""
