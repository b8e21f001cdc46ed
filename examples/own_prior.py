"""Write a prior of your own, train with it, request an event: python own_prior.py DATA OUT [IMAGES]."""

import sys
from pathlib import Path

import semiray
from semiray import Factor, JointPrior

data_folder, out = Path(sys.argv[1]), Path(sys.argv[2])
images = int(sys.argv[3]) if len(sys.argv) > 3 else 300_000

# The assumptions: severe disease stays longer; the stage has three values; one dimension is enough for age.
prior = JointPrior(
    [
        Factor("severity", "uniform", dimensions=4, parameters={"low": 0, "high": 10}),
        Factor("stay", "lognormal", dimensions=3, parameters={"median": 8, "sigma": 0.6}, unit="days"),
        Factor("stage", "categorical", dimensions=2, parameters={"probabilities": [0.5, 0.3, 0.2]}),
        Factor("age", "normal", dimensions=1, parameters={"mean": 60, "standard_deviation": 12}, unit="years"),
    ],
    between=[["severity", "stay", 0.6]],
)
event = "severity > 7 and stay > 10 and stage == 2"
print(f"P({event}) = {prior.given(event).probability:.3f}")

# Train. A number of images instead of minutes makes a run that can be repeated exactly.
data = semiray.load_radiographs(data_folder, resolution=32)
run = semiray.train(data, out / "run", prior=prior, images=images)
print(f"trained on {len(data)} images of {', '.join(run.classes) or 'no class'}: {run.path}")

# Generate and look.
prior.plot("marginals").savefig(out / "prior.png")
semiray.write_images(semiray.generate(run, 60, where=event, seed=1), out / "synthetic")
semiray.traverse(run, factors=["severity", "stage", "age"]).savefig(out / "traversal.png")
