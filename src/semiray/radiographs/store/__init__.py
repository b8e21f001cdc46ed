"""Decoded images kept on disk, memory-mapped."""
