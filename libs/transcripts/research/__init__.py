"""Formats of tools that linguists and oral historians transcribe with."""
