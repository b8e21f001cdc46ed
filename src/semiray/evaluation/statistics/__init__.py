"""Functions of arrays: bootstrap, ranking, calibration, distances."""
