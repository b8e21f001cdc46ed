"""Training: the objectives, the game, the loop, and the run that they leave on disk.

The modules are loaded when a name is first used: a run is read without the loop that trains.
"""

from typing import TYPE_CHECKING

from semiray.lazy import offer

if TYPE_CHECKING:
    from semiray.training.checkpoints import Progress
    from semiray.training.game import Game, network_shape
    from semiray.training.interruption import TrainingInterruptedError, TrainingStoppedError
    from semiray.training.loop import plan_training, train
    from semiray.training.process_group import join_process_group
    from semiray.training.reports import TrainingReport
    from semiray.training.run import Run, RunFiles, run_prior

__all__ = [
    "Game",
    "Progress",
    "Run",
    "RunFiles",
    "TrainingInterruptedError",
    "TrainingReport",
    "TrainingStoppedError",
    "join_process_group",
    "network_shape",
    "plan_training",
    "run_prior",
    "train",
]

__getattr__, __dir__ = offer(
    __name__,
    {
        "checkpoints": ("Progress",),
        "game": ("Game", "network_shape"),
        "interruption": ("TrainingInterruptedError", "TrainingStoppedError"),
        "loop": ("plan_training", "train"),
        "process_group": ("join_process_group",),
        "reports": ("TrainingReport",),
        "run": ("Run", "RunFiles", "run_prior"),
    },
)
