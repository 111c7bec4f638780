"""The broker: topics, connection security, partition logs, and requests aiokafka doesn't offer."""
