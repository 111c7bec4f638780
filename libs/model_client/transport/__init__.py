"""One HTTP call to an endpoint: sent, read, classified, retried."""
