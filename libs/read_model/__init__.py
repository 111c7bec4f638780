"""What people ask about stored interviews, as typed rows for the CLI, the API and the console."""
