"""Room of semiray; see DESIGN."""
