"""Content: how much of what a factor changes is neither exposure nor framing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation import ContentResult, Results
from semiray.evaluation.judgements.content import FactorContent, Share
from semiray.generation.figures import text_width
from semiray.report.section import Block, Guide, Headline, Picture, Section, Table, assumed, cell
from semiray.report.theme import Theme, blank, foot, image, legend, panel, row_name, style, whiskers

__all__ = ["MOST_DRAWN", "SECTION", "plot_content"]

SIDE, GAP, ABOVE, CHART = 0.78, 0.05, 0.5, 2.6  # inches
MOST_DRAWN = 12  # factors; the table has all
BRIGHTEST = 128  # grey levels that are left, at the end of the scale
COLUMNS = ("low", "high", "fitted", "left")
PAIRS = "two patients"


def _body(result: ContentResult, results: Results) -> Iterator[Block]:
    real = f", and {result.n_real_pairs:,} pairs of held-out real patients" if result.real_pairs else ""
    yield f"{result.n_patients:,} generated patients, as many pairs of generated patients of one class{real}."
    yield assumed(results)
    yield Picture(
        "content",
        "Left, of one generated patient, not selected: the factor low and high, one fitted to the other, and what is "
        "left. Right: the share that is left.",
    )
    head = ["share left", f"minus {PAIRS}", "change, grey levels"]
    rows = [
        [one.name, _cell(one.share), _cell(one.above_pairs), f"{one.change:.1f}", _cell(one.truth)]
        for one in result.factors
    ]
    rows.append([f"{PAIRS}, generated", _cell(result.pairs), "", "", _cell(result.true_pairs)])
    rows.append([f"{PAIRS}, real", _cell(result.real_pairs), "", "", ""])
    with_truth = result.true_pairs is not None
    yield Table(["factor", *head, *["true phantoms"] * with_truth], [row if with_truth else row[:-1] for row in rows])


def _cell(share: Share | None) -> str:
    if share is None:
        return ""
    return cell(share.value, share.low, share.high) if isfinite(share.value) else "-"


def _headlines(result: ContentResult, _: Results) -> Iterator[Headline]:
    for one in result.factors:
        figures = (one.share.value, one.share.low, one.share.high)
        yield Headline(f"{one.name}, share left", *figures, result.pairs.value, PAIRS)


def _least(factors: Sequence[FactorContent]) -> FactorContent | None:
    return min((one for one in factors if one.change > 0), key=lambda one: one.share.value, default=None)


def _verdict(result: ContentResult, results: Results) -> str:
    least = _least(result.factors)
    if least is None:
        return ""
    share, beside = least.share, [f"{PAIRS}: {result.pairs.value:.2f}"]
    if least.truth is not None:
        beside.append(f"true phantoms: {least.truth.value:.2f}")
    name = f"{least.name}, an assumed name," if least.name in results.assumed else least.name
    order = ", the least of all factors" if len(result.factors) > 1 else ""
    return (
        f"Of the visible effect of {name} {share.value:.2f} ({share.low:.2f} to {share.high:.2f}) is neither exposure "
        f"nor framing{order} ({'; '.join(beside)})."
    )


def plot_content(result: ContentResult, results: Results, theme: Theme) -> Figure:
    """One line per factor and one for pairs of patients: the images of one patient, and the share that is left."""
    factors = result.factors[:MOST_DRAWN]
    names = [*(one.name for one in factors), PAIRS]
    pictures = [*result.examples[: len(factors)], result.examples[-1]]
    left = max(text_width(name, 9) for name in names) + 0.25
    pitch, across = SIDE + GAP, left + len(COLUMNS) * (SIDE + GAP)
    width, height = across + 0.45 + CHART, ABOVE + len(names) * pitch + 0.75
    figure = blank(width, height, theme)
    foot(figure, theme, f"Share of the change that is neither exposure nor framing. {assumed(results)}")
    ramp = LinearSegmentedColormap.from_list("left", (theme.paper, theme.synthetic, theme.ink))
    for i, (name, row) in enumerate(zip(names, pictures, strict=True)):
        for j, (column, pixels) in enumerate(zip(COLUMNS, row, strict=True)):
            place = (left + j * (SIDE + GAP), ABOVE + i * pitch)
            if column == "left":
                axes = panel(figure, theme, *place, SIDE, SIDE)
                axes.imshow(pixels, cmap=ramp, vmin=0, vmax=BRIGHTEST, interpolation="nearest")
            else:
                axes = image(figure, theme, pixels, *place, SIDE)
                axes.images[0].set_interpolation("nearest")  # another would spread what has no source
            if i == 0:
                axes.set_title(column, loc="left", fontsize=8, color=theme.faint, pad=2.5)
            if j == 0:
                row_name(axes, theme, name)
    axes = panel(figure, theme, across + 0.15, ABOVE, CHART, len(names) * pitch - GAP)
    style(axes, theme, "")
    kinds: list[tuple[str, str, float, list[Share | None]]] = [
        ("generated", theme.synthetic, 0.0, [*(one.share for one in factors), result.pairs]),
        ("real", theme.real, 0.2, [*[None] * len(factors), result.real_pairs]),
        ("true phantoms", theme.third, -0.2, [*(one.truth for one in factors), result.true_pairs]),
    ]
    shown = []
    for kind, colour, lift, shares in kinds:
        rows = [(i + lift, one) for i, one in enumerate(shares) if one is not None]
        if rows:
            whiskers(axes, [(one.value, one.low, one.high) for _, one in rows], [place for place, _ in rows], colour)
            shown.append((colour, kind))
    axes.axvspan(result.pairs.low, result.pairs.high, color=theme.floor, linewidth=0, zorder=1)
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xticks=(0, 0.25, 0.5, 0.75, 1))
    at = ((across + 0.15) / width, 1.0)
    legend(figure, theme, shown, bbox_to_anchor=at, fontsize=8, borderaxespad=0.3, handlelength=1, columnspacing=1)
    return figure


SECTION = Section(
    ContentResult,
    "Content",
    Guide(
        "Does a factor move anatomy and disease, or how the image was taken? A factor moves as in the traversal, all "
        "its dimensions together, from their 5 % to their 95 % quantiles (discrete ones from the lowest to the highest "
        "value). Then an affine change of grey levels and an affine warp (shift, zoom, rotation, shear) are fitted "
        "between the two images.",
        "The share of the mean absolute difference that is left: 1, neither exposure nor framing; 0, nothing else. "
        "The grey band is that of two generated patients of one class: a factor that moves disease and holds the "
        "patient should lie above it.",
        "Floor: 0. Ceiling: 1, or a little less where a true sign of disease changes the brightness everywhere, which "
        "is fitted away, too. Where the data are phantoms, the share that true phantoms reach stands beside.",
        "What is left need not be disease: blur, bands, a bent grey scale, patterns and artefacts are left as well. "
        "And a share says nothing of size: a factor that hardly changes the image may have a large one.",
    ),
    _body,
    subtitle="what is left of a factor's visible effect when exposure and framing are fitted away",
    plots={"content": plot_content},
    headlines=_headlines,
    verdict=_verdict,
)
