"""One member of a service's consumer group: fetching, the window of messages in flight, commits."""
