"""Grounding: factors tied to metadata, and a prior fitted to a table."""
