"""Erasure of interviews on request, with a signed receipt of what was deleted and what remains."""
