"""semiray."""
