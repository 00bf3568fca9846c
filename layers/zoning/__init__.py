"""Risk zoning of a district: schemes, runs, their products."""
