"""Tables of turns: CSV and TSV."""
