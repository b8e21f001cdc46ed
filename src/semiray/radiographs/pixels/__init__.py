"""Decoding, framing, duplicates."""
