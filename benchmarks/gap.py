r"""Where is the gap between synthetic and real images? Utility taken apart, for a trained run.

    python benchmarks/gap.py RUN DATA --quick                  # 3 to 5 minutes of one core at 64 px
    python benchmarks/gap.py RUN DATA --label-from 'NORMAL|virus|bacteria' --patient-from '(person\d+)' --out gap

DATA is read as RUN was trained, but for reading options that are given. A table is printed; OUT/gap.json and
OUT/gap.png hold the same. All classifiers are those of `semiray evaluate`, kept beside the run in RUN-gap.

- *Utility*: trained on synthetic (TSTR) and on real images (TRTR), tested on real ones. `anew`: batch statistics of
  both taken again from real training images (Li et al. 2016, arXiv 1603.04779); what TSTR gains by that, beyond what
  TRTR does, is a shift of exposure and texture. `half`: all images through half size; what the ratio gains is fine
  texture.
- *Purity*: how often classifiers trained on real images read the requested class in synthetic images, beside the true
  class in held-out real images and in their own training images. Above held-out images: purer than real ones.
- *Variety*: coverage and recall, beside what real images of other patients reach.
- *Missed*: of the real test images that the real-trained classifier gets right, those that the synthetic-trained one
  misses, against those that it gets right. An AUROC above 0.5 says that a larger figure goes with being missed;
  classes are compared within themselves. Beside it the same for another real-trained classifier of the next seed: what
  it misses, too, is hard, not absent.
- *Texture*: the radial power spectrum inside the lungs, classes in equal shares; 0 dB is that of real images.
"""

import argparse
import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray
from pydantic_core import to_json
from torch.optim.swa_utils import update_bn

from semiray.errors import SemirayError
from semiray.evaluation import Classifier, EvaluationOptions, FidelityResult, Skipped, measure_fidelity
from semiray.evaluation.context import Context
from semiray.evaluation.held_out import sides_of_run
from semiray.evaluation.judges.alterations import halve
from semiray.evaluation.judges.store import train_classifiers
from semiray.evaluation.statistics.features import NEIGHBOURS, squared_distances
from semiray.evaluation.statistics.intervals import ENDS, Comparison, PatientBootstrap
from semiray.evaluation.statistics.ranking import Ranking
from semiray.evaluation.statistics.spectrum import BANDS, lung_spectra
from semiray.files import write_whole
from semiray.networks.intensities import to_input
from semiray.radiographs import RadiographSet
from semiray.report import theme
from semiray.training import Run

Floats = NDArray[np.float64]
Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
SCORES = ("balanced accuracy", "AUROC")
CONDITIONS = {"as it is": "as they are", "anew": "batch statistics anew", "half": "half size"}
BATCHES = 32  # that batch statistics are taken from
QUANTITIES = {
    "to_synthetic": "distance to the nearest synthetic image of the class",
    "to_real": "distance to the nearest real training image of the class",
    "relative": "the first over the second",
    "rarity": f"distance to real training neighbour {NEIGHBOURS}",
    "doubt": "1 - probability of the class by real-trained classifiers",
}


@dataclass(frozen=True)
class Score:
    """A figure of S classifiers: ``values`` (S,), and the means over seeds (R,) of the bootstrap's draws."""

    values: Floats
    draws: Floats

    def over(self, other: "Score") -> "Score":
        """The ratio of the means, over the same draws."""
        return Score(np.array([self.values.mean() / other.values.mean()]), self.draws / other.draws)

    def to_dict(self) -> dict[str, float]:
        """The mean over seeds with its 95 % interval."""
        usable = self.draws[np.isfinite(self.draws)]  # none where nothing is missed
        low, high = np.quantile(usable, ENDS) if len(usable) else (np.nan, np.nan)
        return {"value": float(np.mean(self.values)), "low": float(low), "high": float(high)}


def bootstrap_of(patients: NDArray[Any], labels: Labels, context: Context) -> PatientBootstrap:
    settings = context.options
    return PatientBootstrap(patients.astype(str), labels, n_seeds=settings.seeds, resamples=settings.resamples)


def score(classifiers: list[Classifier], images: Images, labels: Labels, draws: PatientBootstrap) -> dict[str, Score]:
    """Balanced accuracy and mean AUROC of class against rest."""
    probabilities = [classifier.predict_probabilities(images) for classifier in classifiers]

    def figures(weights: Floats) -> Floats:  # (R, S, 2)
        return np.stack([np.stack(_score_once(p, labels, weights), axis=-1) for p in probabilities], axis=1)

    values, drawn = figures(np.ones((1, len(labels))))[0], figures(draws.images)
    return {name: Score(values[:, i], draws.over_seeds(drawn[..., i])) for i, name in enumerate(SCORES)}


def _score_once(probabilities: NDArray[np.float32], labels: Labels, weights: Floats) -> tuple[Floats, Floats]:
    right = probabilities.argmax(axis=1) == labels
    recall, auroc = [], []
    for k in range(probabilities.shape[1]):
        of_class = labels == k
        recall.append(weights[:, of_class] @ right[of_class] / weights[:, of_class].sum(axis=1))
        auroc.append(Ranking(of_class, probabilities[:, k], weights).auroc())
    return np.mean(recall, axis=0), np.mean(auroc, axis=0)


def take_anew(classifiers: list[Classifier], images: Images, labels: Labels, batch: int) -> list[Classifier]:
    """Copies whose batch statistics are those of these images, classes in equal shares as in training."""
    rng, classes = np.random.default_rng(0), np.unique(labels)
    members = [np.flatnonzero(labels == k) for k in classes]
    chosen = [np.concatenate([rng.choice(of, -(-batch // len(members))) for of in members]) for _ in range(BATCHES)]
    copies = [replace(classifier, network=copy.deepcopy(classifier.network)) for classifier in classifiers]
    for made in copies:
        place = next(made.network.parameters()).device
        update_bn((to_input(np.asarray(images[rows]), place) for rows in chosen), made.network)
    return copies


def measure_gap(context: Context) -> dict[str, Any]:
    """All figures as plain data.

    Raises:
        SemirayError: The run or the data has no classes, so that no classifier can be trained.
    """
    if context.obstacle or context.space is None:
        raise SemirayError(context.obstacle or "There is no feature space.")
    train, test, made = context.train, context.test, context.synthetic
    real_images, test_images = np.asarray(train.images), np.asarray(test.images)
    settings = context.options.utility

    def fit(images: Images, labels: Labels, more: int = 0) -> list[Classifier]:
        schedule = replace(settings, seeds=settings.seeds + more)
        return train_classifiers(
            images, labels, len(context.classes), schedule, store=context.store, device=context.device
        )

    synthetic, real = fit(made.images, made.labels), context.real_classifiers
    others = fit(real_images, train.labels, more=1)[1:]
    draws = bootstrap_of(test.patients, test.labels, context)
    sides = {
        "as it is": (synthetic, real, test_images),
        "anew": (*(take_anew(c, real_images, train.labels, settings.batch) for c in (synthetic, real)), test_images),
        "half": (fit(halve(made.images), made.labels), fit(halve(real_images), train.labels), halve(test_images)),
    }
    utility: dict[str, Any] = {}
    for condition, (first, second, images) in sides.items():
        tstr, trtr = (score(classifiers, images, test.labels, draws) for classifiers in (first, second))
        for name in SCORES:
            found = {"tstr": tstr[name], "trtr": trtr[name], "ratio": tstr[name].over(trtr[name])}
            utility.setdefault(name, {})[condition] = {key: one.to_dict() for key, one in found.items()}
    read = {
        "synthetic": (made.images, made.labels, np.arange(len(made.labels))),
        "held-out real": (test_images, test.labels, test.patients),
        "their own training": (real_images, train.labels, train.patients),
    }
    purity = {
        name: score(real, images, labels, bootstrap_of(who, labels, context))[SCORES[0]].to_dict()
        for name, (images, labels, who) in read.items()
    }
    variety = measure_fidelity(made.images, made.labels, context.reference, context.space)
    return {
        "images": {"synthetic": len(made.labels), "real training": len(train), "real test": len(test)},
        "patients": {"real training": len(np.unique(train.patients)), "real test": draws.n_patients},
        "seeds": settings.seeds,
        "steps": settings.steps,
        "utility": utility,
        "purity": purity,
        "variety": describe_variety(variety),
        "missed": measure_missed(context, synthetic, real, others, draws),
        "texture": measure_texture(test, made.images, made.labels, context),
    }


def describe_variety(found: FidelityResult | Skipped) -> dict[str, Any]:
    if isinstance(found, Skipped):
        return {"skipped": found.reason}
    shown = {name: vars(found.measures[name]) for name in ("coverage", "recall", "precision", "density")}
    return {"n_reference": found.n_reference, "n_compared": found.n_compared} | shown


def measure_distances(context: Context, real: list[Classifier]) -> dict[str, Floats]:
    """Each of `QUANTITIES` (N,) of the real test images, in the space of the real-trained classifier.

    The nearest is sought among as many synthetic as real images of a class, since more images lie nearer.
    """
    train, test, made = context.train, context.test, context.synthetic
    assert context.space is not None
    of_train, of_test, of_made = (
        context.space.extract(np.asarray(side.images)).astype(np.float64) for side in (train, test, made)
    )
    rng = np.random.default_rng(0)
    nearest = np.zeros((2, len(test)))
    for k in range(len(context.classes)):
        members = [rng.permutation(np.flatnonzero(labels == k)) for labels in (made.labels, train.labels)]
        count, tested = min(map(len, members)), test.labels == k
        for i, (features, rows) in enumerate(zip((of_made, of_train), members, strict=True)):
            squared = squared_distances(of_test[tested], features[rows[:count]])
            nearest[i, tested] = np.sqrt(squared.min(axis=1))
    near = min(NEIGHBOURS, len(train)) - 1
    rarity = np.sqrt(np.partition(squared_distances(of_test, of_train), near, axis=1)[:, near])
    each = np.arange(len(test))
    sure = np.mean([c.predict_probabilities(np.asarray(test.images))[each, test.labels] for c in real], axis=0)
    found = (*nearest, nearest[0] / np.maximum(nearest[1], 1e-9), rarity, 1.0 - sure)
    return dict(zip(QUANTITIES, found, strict=True))


def measure_missed(
    context: Context,
    synthetic: list[Classifier],
    real: list[Classifier],
    others: list[Classifier],
    draws: PatientBootstrap,
) -> dict[str, Any]:
    """Which test images classifiers miss though the real-trained one of the same seed gets them right."""
    test, quantities = context.test, measure_distances(context, real)
    images, labels = np.asarray(test.images), test.labels
    right, by_synthetic, by_other = (
        np.stack([c.predict_probabilities(images).argmax(axis=1) == labels for c in side])
        for side in (real, synthetic, others)
    )
    result: dict[str, Any] = {"n_test": len(test)}
    for side, hits in (("synthetic", by_synthetic), ("another real", by_other)):
        pairs = list(zip(right, right & ~hits, strict=True))  # of every seed: which images count, which are missed
        share = np.stack([draws.images @ lost / (draws.images @ kept) for kept, lost in pairs], axis=1)
        values = np.array([lost.sum() / kept.sum() for kept, lost in pairs])
        members = [labels == k for k in range(len(context.classes))]
        of_class = [float(np.mean([lost[k].sum() / max(1, kept[k].sum()) for kept, lost in pairs])) for k in members]
        result[side] = {
            "n_missed": float(np.mean([lost.sum() for _, lost in pairs])),
            "share": Score(values, draws.over_seeds(share)).to_dict(),
            "share of class": dict(zip(context.classes, of_class, strict=True)),
            "by": {name: _separation(quantity, pairs, labels, draws) for name, quantity in quantities.items()},
        }
    lost = (right & ~by_synthetic).mean(axis=0)
    result["which"] = [
        {"file": test.keys[i], "class": context.classes[labels[i]], "missed_by": round(float(lost[i]), 3)}
        | {name: round(float(quantity[i]), 4) for name, quantity in quantities.items()}
        for i in np.argsort(-lost, kind="stable")
        if lost[i] > 0
    ]
    return result


def _separation(
    quantity: Floats, pairs: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]], labels: Labels, draws: PatientBootstrap
) -> dict[str, Any]:
    """Medians of missed and of other images, and the AUROC by which the quantity tells them apart."""
    once = np.ones((1, len(labels)))
    values = np.array([_auroc_within(quantity, kept, lost, labels, once)[0] for kept, lost in pairs])
    drawn = np.stack([_auroc_within(quantity, kept, lost, labels, draws.images) for kept, lost in pairs], axis=1)
    medians = {
        name: float(np.mean([np.median(quantity[rows]) for rows in sides if rows.any()] or [np.nan]))
        for name, sides in (("missed", [lost for _, lost in pairs]), ("right", [kept & ~lost for kept, lost in pairs]))
    }
    return {"median": medians, "auroc": Score(values, draws.over_seeds(drawn)).to_dict()}


@np.errstate(invalid="ignore", divide="ignore")
def _auroc_within(
    quantity: Floats, kept: NDArray[np.bool_], lost: NDArray[np.bool_], labels: Labels, weights: Floats
) -> Floats:
    """The AUROC (R,) of being missed, a mean over classes that is weighted by their missed images."""
    total, count = np.zeros(len(weights)), np.zeros(len(weights))
    for k in np.unique(labels[kept]):
        rows = kept & (labels == k)
        auroc, missed = Ranking(lost[rows], quantity[rows], weights[:, rows]).auroc(), weights[:, rows] @ lost[rows]
        usable = np.isfinite(auroc)
        total, count = total + np.where(usable, auroc * missed, 0.0), count + missed * usable
    return np.asarray(total / count)


def measure_texture(test: RadiographSet, images: Images, labels: Labels, context: Context) -> dict[str, Any]:
    """Mean log-power per band of real and synthetic lungs, and their ratio, classes in equal shares."""
    means, influences = [], []
    for spectra, owners in ((lung_spectra(np.asarray(test.images)), test.labels), (lung_spectra(images), labels)):
        classes, counts = np.unique(owners, return_counts=True)
        of_class = np.stack([spectra[owners == k].mean(axis=0) for k in classes])
        place = np.searchsorted(classes, owners)
        means.append(of_class.mean(axis=0))
        influences.append((spectra - of_class[place]) * (len(owners) / (len(classes) * counts[place]))[:, None])
    of_test = bootstrap_of(test.patients, test.labels, context)
    of_made = bootstrap_of(np.arange(len(images)), labels, context)
    bands = []
    for b in range(BANDS):
        apart = Comparison(float(means[1][b] - means[0][b]), -influences[0][:, b], influences[1][:, b])
        low, high = apart.interval(of_test, of_made)
        bands.append(
            {
                "to_cycles_per_pixel": (b + 1) / (2 * BANDS),
                "real_db": float(means[0][b]),
                "synthetic_db": float(means[1][b]),
                "ratio": {name: 10 ** (x / 10) for name, x in (("value", apart.value), ("low", low), ("high", high))},
            }
        )
    return {"bands": bands}


def to_text(gap: dict[str, Any]) -> str:
    """The plain table."""

    def cell(found: dict[str, float]) -> str:
        known = np.isfinite(found["value"])
        return (f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})" if known else "-").ljust(26)

    n, missed = gap["images"], gap["missed"]
    lines = [
        f"{n['synthetic']:,} synthetic, {n['real training']:,} real training, {n['real test']:,} real test images; "
        f"{gap['seeds']} trainings of {gap['steps']} steps a side; 95 % intervals over patients and seeds",
    ]
    for name, conditions in gap["utility"].items():
        lines += ["", f"{'Utility, ' + name:32}{'TSTR':26}{'TRTR':26}ratio"]
        for condition, found in conditions.items():
            lines.append(
                f"  {CONDITIONS[condition]:30}" + "".join(cell(found[key]) for key in ("tstr", "trtr", "ratio"))
            )
    lines += ["", "Purity: classes read by real-trained classifiers (balanced accuracy)"]
    lines += [f"  {name + ' images':30}{cell(found)}" for name, found in gap["purity"].items()]
    lines += ["", f"{'Variety':32}{'synthetic':26}real"]
    if "skipped" in gap["variety"]:
        lines.append(f"  not measured: {gap['variety']['skipped']}")
    for name, found in gap["variety"].items():
        if isinstance(found, dict):
            of_real = {key: found[f"real{end}"] for key, end in (("value", ""), ("low", "_low"), ("high", "_high"))}
            lines.append(f"  {name:30}{cell(found)}{cell(of_real)}")
    made, other = missed["synthetic"], missed["another real"]
    lines += [
        "",
        "Missed: test images that the real-trained classifier gets right and that one misses that was trained on",
    ]
    for name, side in (
        (f"synthetic images ({made['n_missed']:.0f})", made),
        (f"real, next seed ({other['n_missed']:.0f})", other),
    ):
        classes = ", ".join(f"{key} {share:.3f}" for key, share in side["share of class"].items())
        lines.append(f"  {name:30}{cell(side['share'])}{classes}")
    lines += ["", f"{'Missed, by':60}{'median: missed':16}{'right':8}{'AUROC, synthetic':26}AUROC, real, next seed"]
    for name, words in QUANTITIES.items():
        one, two = made["by"][name], other["by"][name]
        medians = f"{one['median']['missed']:<16.3f}{one['median']['right']:<8.3f}"
        lines.append(f"  {words:58}{medians}{cell(one['auroc'])}{cell(two['auroc'])}")
    lines += ["", f"{'Texture in the lungs, power':32}{'synthetic / real':26}dB, synthetic and real"]
    for found in gap["texture"]["bands"]:
        name = f"to {found['to_cycles_per_pixel']:.3f} cycles a pixel"
        lines.append(f"  {name:30}{cell(found['ratio'])}{found['synthetic_db']:.1f}, {found['real_db']:.1f}")
    return "\n".join(line.rstrip() for line in lines)


def draw(gap: dict[str, Any], look: theme.Theme = theme.LIGHT) -> Drawing:
    """Utility, purity and variety, what missed images have in common, and texture, in four panels."""
    figure = theme.blank(11, 7.4, look)
    (first, second), (third, fourth) = figure.subplots(2, 2)

    def rows(axes: Any, names: list[str], *sides: tuple[list[dict[str, float]], str]) -> None:
        for i, (found, colour) in enumerate(sides):
            places = np.arange(len(names)) + 0.24 * (i - (len(sides) - 1) / 2)
            theme.whiskers(axes, [(x["value"], x["low"], x["high"]) for x in found], places, colour)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)

    theme.style(first, look, "Utility, balanced accuracy")
    found = gap["utility"][SCORES[0]]
    sides = (
        ([found[key][side] for key in CONDITIONS], colour)
        for side, colour in (("tstr", look.synthetic), ("trtr", look.real))
    )
    ratios = [f"{CONDITIONS[key]}\nratio {found[key]['ratio']['value']:.3f}" for key in CONDITIONS]
    rows(first, ratios, *sides)
    theme.style(second, look, "Purity and variety")
    names = ["class read: synthetic", "held-out real", "training real"]
    shown = [
        (one, colour)
        for one, colour in zip(gap["purity"].values(), (look.synthetic, look.real, look.third), strict=True)
    ]
    for name, one in gap["variety"].items():
        if isinstance(one, dict) and name in ("coverage", "recall"):
            names += [f"{name}: synthetic", f"{name}: real"]
            shown.append((one, look.synthetic))
            shown.append(({"value": one["real"], "low": one["real_low"], "high": one["real_high"]}, look.real))
    for i, (one, colour) in enumerate(shown):
        theme.whiskers(second, [(one["value"], one["low"], one["high"])], [i], colour)
    second.set_yticks(range(len(names)), names)
    second.invert_yaxis()
    theme.style(third, look, "Who is missed: AUROC by each quantity")
    words = ["to nearest synthetic", "to nearest real", "first / second", "rarity", "doubt"]
    by = gap["missed"]
    rows(third, words, *(([by[side]["by"][name]["auroc"] for name in QUANTITIES], colour)
                         for side, colour in (("synthetic", look.synthetic), ("another real", look.real))))  # fmt: skip
    third.axvline(0.5, color=look.faint, linewidth=0.8)
    theme.style(fourth, look, "Texture in the lungs: dB above real images")
    ratio = [found["ratio"] for found in gap["texture"]["bands"]]
    value, low, high = (10 * np.log10([one[key] for one in ratio]) for key in ("value", "low", "high"))
    middle = [found["to_cycles_per_pixel"] - 1 / (4 * BANDS) for found in gap["texture"]["bands"]]
    fourth.fill_between(middle, low, high, color=look.synthetic, alpha=0.25, linewidth=0)
    fourth.plot(middle, value, "o-", color=look.synthetic, markersize=4)
    fourth.axhline(0, color=look.real, linewidth=1.6)
    fourth.grid(axis="y", color=look.rule, linewidth=0.7)
    fourth.set_xlabel("cycles per pixel")
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    theme.legend(figure, look, [(look.synthetic, "synthetic, or trained on it"), (look.real, "real, or trained on it")])
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--label-from")
    parser.add_argument("--patient-from")
    parser.add_argument("--quick", action="store_true", help="1 seed, 200 steps, 1,800 synthetic images: wider error")
    parser.add_argument("--out", type=Path, help="folder of gap.json and gap.png; RUN-gap unless given")
    asked = parser.parse_args()
    run, store = Run.load(asked.run), asked.run.resolve().with_name(f"{asked.run.resolve().name}-gap")
    reading = {"label_from": asked.label_from, "patient_from": asked.patient_from}
    data = run.load_data(asked.data, **{name: value for name, value in reading.items() if value})
    sides = sides_of_run(run, data)
    context = Context(
        EvaluationOptions(quick=asked.quick).resolved(),
        data,
        sides.split,
        run=run,
        own=sides.own,
        held_out=sides.held_out,
        store=store / "store",
    )
    gap = measure_gap(context)
    print(to_text(gap))
    out = asked.out or store
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "gap.json", to_json(gap, indent=1, inf_nan_mode="null") + b"\n")
    write_whole(out / "gap.png", theme.png(draw(gap)))


if __name__ == "__main__":
    main()
