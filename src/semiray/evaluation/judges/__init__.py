"""Classifiers, probes and feature spaces, and where they are kept."""
