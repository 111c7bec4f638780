"""Retention by study: what is older than a study keeps it is deleted, by kind."""
