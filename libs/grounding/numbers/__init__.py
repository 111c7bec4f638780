"""Numbers, quantities, rates and times of day as people say and write them (English)."""
