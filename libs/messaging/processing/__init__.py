"""One message's processing: its tries and deadline, and what outages or runs of failures stop."""
