"""One HTTP call to an endpoint: sent, parsed, its failures classified and retried."""
