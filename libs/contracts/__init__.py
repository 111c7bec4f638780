"""The language all services share: events, topics, headers, ids and error codes."""
