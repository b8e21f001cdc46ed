"""Marginals: families of distributions, one a file."""
