"""Families of marginal distributions: continuous, discrete, tabulated."""
