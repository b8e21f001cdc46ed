"""Training that starts from another run: what it takes over, and which patients it has seen."""

from semiray.training.warm_start.start import Start, check_same_start, follow, load_start

__all__ = ["Start", "check_same_start", "follow", "load_start"]
