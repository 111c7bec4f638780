"""The service that indexes dead letters and submissions, and puts dead letters back."""
