"""The contracts all services share: events, topics, headers, ids and error codes."""
