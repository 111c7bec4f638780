"""Sending of records in batches, with a delivery report for each record."""
