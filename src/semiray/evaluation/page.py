"""The report as one HTML file: no scripts, nothing fetched, light and dark, on a desk, a phone and paper."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from semiray.evaluation.utility import UtilityResult

if TYPE_CHECKING:
    from semiray.evaluation.commitment import CommitmentResult
    from semiray.evaluation.metrics import ClassificationScores, Interval
    from semiray.evaluation.report import Report
    from semiray.evaluation.sorting import SortingResult

__all__ = ["render_page"]

Images = Mapping[str, tuple[bytes, bytes]]

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b1f24;--faint:#5d656f;--rule:#dfe3e8;
--synthetic:#b04c14;--real:#2f6db3;--warn:#fff3d6;--warn-ink:#5c4300}
@media screen and (prefers-color-scheme:dark){:root{--paper:#181b20;--card:#20242b;--ink:#e8eaed;--faint:#a3acb6;
--rule:#363c45;--synthetic:#f0965a;--real:#74aef0;--warn:#3d3113;--warn-ink:#ffe3a1}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.5rem 1.1rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .3rem}h2{font-size:1.25rem;margin:2.6rem 0 .5rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}p{margin:.5rem 0;max-width:46rem}.faint{color:var(--faint)}
.small{font-size:.85rem}
.banner{background:var(--warn);color:var(--warn-ink);padding:.7rem 1rem;border-radius:.5rem;margin:1rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.3rem,1fr));gap:.8rem;margin:1.3rem 0}
.card{background:var(--card);border-radius:.6rem;padding:.9rem 1rem}
.card b{display:block;font-size:1.9rem;line-height:1.15;font-variant-numeric:tabular-nums;margin:.15rem 0}
.card span{display:block;font-size:.83rem;color:var(--faint)}
.card .name{color:var(--ink);font-size:.9rem;font-weight:600}
.card .synthetic{color:var(--synthetic);font-size:.9rem}.card .real{color:var(--real);font-size:.9rem}
figure{margin:1rem 0}figure img{display:block;max-width:100%;height:auto}
figcaption{font-size:.85rem;color:var(--faint);margin-top:.4rem;max-width:46rem}
.pair{display:flex;flex-wrap:wrap;gap:1rem}.pair figure{flex:1 1 17rem;max-width:27rem;margin:.5rem 0}
.white img{background:#fff;border-radius:.5rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.6rem 0}
th,td{padding:.28rem .7rem .28rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left}th{font-weight:600}td small{color:var(--faint)}
.synthetic{color:var(--synthetic)}.real{color:var(--real)}
details{margin:.7rem 0}summary{cursor:pointer}pre{font-size:.8rem;line-height:1.35;overflow-x:auto}
footer{margin-top:3rem;border-top:1px solid var(--rule);padding-top:1rem}
li{margin:.25rem 0;max-width:46rem}
@media screen and (max-width:40rem){figure:not(.small-figure) picture{display:block;overflow-x:auto}
figure:not(.small-figure) img{max-width:none;width:38rem}}
@media print{body{font-size:10.5pt;max-width:none;padding:0}h2{break-after:avoid}figure,.card,tr{break-inside:avoid}
.cards{grid-template-columns:repeat(5,1fr);gap:.4rem}.card b{font-size:1.4rem}figure img{max-height:10cm;width:auto}
.wide{overflow:visible}table{font-size:7.5pt}
:root{color-scheme:light;--paper:#fff;--card:#f6f7f9;--ink:#000;--faint:#444;--rule:#ccc}}
"""


def render_page(report: Report, content: Mapping[str, Any], images: Images) -> str:
    """The page, as text.

    Args:
        report: The results.
        content: Their dictionary, as in report.json.
        images: Figure name -> PNG bytes for a light and for a dark page.
    """
    body = [
        f'<p class="faint small">semiray {escape(content["semiray"])} · {escape(report.created[:10])}</p>',
        f"<h1>{escape(report.subject)}</h1>",
        f'<p class="faint">Judged on {escape(report.data)}</p>',
        _phantom() if report.phantom else "",
        _cards(report, content),
        _section("Look first", _look(images)),
        _section("Utility", _utility(report, images)),
    ]
    if report.commitment is not None:
        body.append(_section("Commitment", _commitment(report.commitment, images)))
    if report.sorting is not None:
        body.append(_section("Sorting", _sorting(report.sorting, images)))
    body.append(_section("What to know", _list(report.notes)) if report.notes else "")
    body.append(
        '<footer class="faint small"><p>Research tool, not a medical device. Intervals are 95 %. '
        "All figures of this page, with their intervals, floors and sample sizes, are in report.json.</p></footer>"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>semiray: {escape(report.subject)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _phantom() -> str:
    return (
        '<p class="banner"><strong>This is a phantom.</strong> The "real" images are computed, too: toy radiographs '
        "with known factors. Nothing here was measured on a patient.</p>"
    )


def _cards(report: Report, content: Mapping[str, Any]) -> str:
    cards: list[tuple[str, str, str]] = []
    if isinstance(report.utility, UtilityResult):
        u = report.utility
        cards += [
            (
                '<span class="synthetic">Trained on synthetic</span>',
                f"{u.tstr.balanced_accuracy.mean:.2f}",
                f"balanced accuracy on real patients, {_range(u.tstr.balanced_accuracy)}; chance {u.chance:.2f}",
            ),
            (
                '<span class="real">Trained on real</span>',
                f"{u.trtr.balanced_accuracy.mean:.2f}",
                f"the same classifier on the same patients, {_range(u.trtr.balanced_accuracy)}: the ceiling",
            ),
            ("Synthetic over real", f"{u.ratio.mean:.2f}", f"utility ratio, {_range(u.ratio)}"),
        ]
    if report.commitment is not None:
        means = content["commitment"]["mean"]
        worst = min(means, key=means.__getitem__)
        measure = {"r2": "R²", "accuracy": "accuracy"}[content["commitment"]["measure"][worst]]
        cards.append(
            ("Commitment", f"{means[worst]:.2f}", f"{measure} of {escape(worst)}, the factor obeyed least; ceiling 1")
        )
    if report.sorting is not None:
        means = content["sorting"]["mean"]
        worst = max(means, key=means.__getitem__)
        floor = sum(content["sorting"]["floor"][worst]) / len(content["sorting"]["floor"][worst])
        cards.append(
            (
                "Sorting",
                f"{means[worst]:.2f}",
                f"distance of {escape(worst)} from its prior, the factor sorted worst; floor {floor:.2f}",
            )
        )
    boxes = "".join(
        f'<div class="card"><span class="name">{name}</span><b>{value}</b><span>{text}</span></div>'
        for name, value, text in cards
    )
    return f'<div class="cards">{boxes}</div>' if cards else ""


def _look(images: Images) -> str:
    text = (
        "<p>No figure replaces a look. Codes are most cheaply obeyed by painting each as a faint grid or a grey veil; "
        "commitment met that way is worthless.</p>"
    )
    caption = "Held-out real images above generated ones, neither picked by hand."
    traversal = _figure(images, "traversal", "The same noise and label while one factor at a time moves.", "white")
    return text + _figure(images, "images", caption) + traversal


def _utility(report: Report, images: Images) -> str:
    result = report.utility
    if not isinstance(result, UtilityResult):
        return f"<p>Not measured: {escape(result.reason)}</p>"
    s, tstr, trtr = result.settings, result.tstr, result.trtr
    seeds = f"{s.seeds} trainings a side" if s.seeds > 1 else "one training a side"
    seen = "neither it nor the generator has seen" if report.prior is not None else "it has not seen"
    text = (
        f"<p>The same small CNN, {seeds}, is trained on {tstr.n_train:,} synthetic images and on {trtr.n_train:,} real "
        f"images of {result.n_train_patients:,} patients, and tested on {tstr.n_images:,} real images of "
        f"{tstr.n_patients:,} other patients that {seen}. {s.steps:,} steps of {s.batch} images, classes drawn evenly, "
        "the same augmentation: fixed beforehand.</p>"
    )
    overall = _table(
        ["", "balanced accuracy", "accuracy", "AUROC"],
        [
            ['<span class="synthetic">synthetic</span>', *_cells(tstr.balanced_accuracy, tstr.accuracy, tstr.auroc)],
            ['<span class="real">real</span>', *_cells(trtr.balanced_accuracy, trtr.accuracy, trtr.auroc)],
            ["chance", f"{result.chance:.3f}", "", "0.500"],
        ],
    )
    rows = []
    for a, b in zip(tstr.per_class, trtr.per_class, strict=True):
        tested = f"<small>{a.n_images:,} images, {a.n_patients:,} patients</small>"
        rows.append([f'{escape(a.name)} <span class="synthetic">synthetic</span>', *_class_cells(a), tested])
        rows.append([f'{escape(b.name)} <span class="real">real</span>', *_class_cells(b), tested])
    per_class = _table(["class, trained on", "precision", "recall", "F1", "AUROC", "tested on"], rows)
    matrices = (
        '<div class="pair">'
        + _figure(
            images,
            "confusion_tstr",
            "Per cent of each true class, and images, averaged over trainings.",
            "small-figure",
        )
        + _figure(images, "confusion_trtr", "The ceiling, on the same patients.", "small-figure")
        + "</div>"
    )
    return (
        text
        + overall
        + _figure(
            images,
            "per_class",
            "Dots: mean over trainings. Lines: 95 % bootstrap over patients and trainings. Dashes: guessing.",
        )
        + per_class
        + matrices
        + _reports("Classification reports, trained on synthetic", tstr)
        + _reports("Classification reports, trained on real", trtr)
    )


def _commitment(result: CommitmentResult, images: Images) -> str:
    text = (
        f"<p>Codes asked for against codes that the sorter reads from {result.n_images:,} freshly generated images. "
        "<strong>This flatters:</strong> the sorter trained the generator and was rewarded for agreeing with it.</p>"
    )
    rows = [
        [
            escape(d.name),
            {"r2": "R²", "accuracy": "accuracy"}[d.measure],
            _cell(d.value, d.low, d.high),
            f"{d.floor:.2f}",
            "1",
        ]
        for d in result.dimensions
    ]
    table = _table(["dimension", "measure", "value", "floor", "ceiling"], rows)
    return (
        text
        + _figure(
            images,
            "commitment",
            "R², or accuracy for discrete dimensions; the ceiling is 1. Grey: what guessing reaches.",
            "small-figure",
        )
        + f"<details><summary>All dimensions</summary>{table}</details>"
    )


def _sorting(result: SortingResult, images: Images) -> str:
    text = (
        f"<p>Codes that the sorter reads from {result.n_images:,} held-out real images of {result.n_patients:,} "
        "patients against the prior that was assumed. The floor is the same distance for as many codes drawn from the "
        "prior itself; a value within it can't be told from the prior. Following a distribution "
        "doesn't make a name true.</p>"
    )
    rows = [
        [
            escape(d.name),
            {"ks": "KS", "total_variation": "total variation"}[d.measure],
            _cell(d.value, d.low, d.high),
            f"{d.floor:.3f} <small>(95 %: {d.floor_high:.3f})</small>",
        ]
        for d in result.dimensions
    ]
    table = _table(["dimension", "measure", "distance", "floor"], rows)
    return (
        text
        + _figure(
            images,
            "sorting",
            "KS, or total variation for discrete dimensions; less is better. Grey: what 95 of 100 samples of the prior "
            "itself stay within.",
            "small-figure",
        )
        + _figure(
            images,
            "codes",
            "Continuous factors: quantiles, on the dashed line if sorted; strong: lead, faint: companions. "
            "Discrete factors: bars are shares of values, black marks those of the prior.",
        )
        + f"<details><summary>All dimensions</summary>{table}</details>"
    )


def _figure(images: Images, name: str, caption: str, kind: str = "") -> str:
    if name not in images:
        return ""
    light, dark = (f"data:image/png;base64,{base64.b64encode(data).decode()}" for data in images[name])
    alternative = "" if dark == light else f'<source srcset="{dark}" media="screen and (prefers-color-scheme: dark)">'
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    words = escape(name.replace("_", " "))
    return f'<figure class="{kind}"><picture>{alternative}<img src="{light}" alt="{words}"></picture>{below}</figure>\n'


def _reports(title: str, scores: ClassificationScores) -> str:
    texts = "".join(f"<h3>Seed {k}</h3><pre>{escape(text)}</pre>" for k, text in enumerate(scores.reports))
    return f"<details><summary>{escape(title)}</summary>{texts}</details>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _class_cells(scores: Any) -> list[str]:
    return _cells(scores.precision, scores.recall, scores.f1, scores.auroc)


def _cells(*intervals: Interval) -> list[str]:
    return [_cell(x.mean, x.low, x.high) for x in intervals]


def _cell(value: float, low: float, high: float) -> str:
    return f"{value:.3f} <small>{low:.2f}–{high:.2f}</small>"


def _range(interval: Interval) -> str:
    return f"{interval.low:.2f} to {interval.high:.2f}"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
