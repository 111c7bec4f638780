"""Interviews as producers and researchers know them: studies, submissions, outcomes."""
