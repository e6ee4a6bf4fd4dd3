"""Data validation beside pandera and Great Expectations, on the same table with the same checks."""
