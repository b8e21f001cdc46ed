"""Grounding: which columns of a table tell of which factor, and fitting a prior to a table."""
