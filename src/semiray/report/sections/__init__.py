"""One section of the report a file."""
