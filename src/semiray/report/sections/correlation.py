"""Correlations of the codes of held-out real images, beside the assumed ones."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation import CorrelationResult, Results
from semiray.priors import factor_of
from semiray.report.section import Block, Guide, Headline, Picture, Section, assumed, html
from semiray.report.theme import Theme, blank, colour_bar, foot, style

__all__ = ["SECTION", "plot_correlation"]


def _body(result: CorrelationResult, _: Results) -> Iterator[Block]:
    yield html(
        "The correlations of the codes of {:,} images differ from R by <strong>{:.3f}</strong> on average ({:.3f} "
        "to {:.3f}); floor {:.3f}. The largest difference is between {} and {}.",
        *(result.n_images, result.mean_absolute_difference, result.low, result.high, result.floor),
        *result.greatest,
    )
    yield Picture("correlation", "Correlations of scores; lines separate the factors.")


def _headlines(result: CorrelationResult, _: Results) -> Iterator[Headline]:
    value, low, high = result.mean_absolute_difference, result.low, result.high
    yield Headline("mean absolute difference", value, low, high, result.floor, "floor", digits=3)


def plot_correlation(result: CorrelationResult, results: Results, theme: Theme) -> Figure:
    """R beside the correlations of held-out images' scores, and the difference."""
    ramp = LinearSegmentedColormap.from_list("correlation", (theme.synthetic, theme.paper, theme.real))
    figure = blank(8.4, 3.3, theme)
    bottom = foot(figure, theme, assumed(results))
    grid = figure.subplots(1, 3)
    factors = [factor_of(name) for name in result.names]
    starts = [k for k, name in enumerate(factors) if k == 0 or factors[k - 1] != name]
    middles = [(a + b - 1) / 2 for a, b in zip(starts, [*starts[1:], len(factors)], strict=True)]
    panels = {
        "Assumed: R": result.assumed,
        "Held-out images": result.measured,
        "Difference": result.measured - result.assumed,
    }
    for axes, (title, matrix) in zip(grid, panels.items(), strict=True):
        style(axes, theme, title)
        axes.grid(visible=False)
        shown = axes.imshow(matrix, cmap=ramp, vmin=-1, vmax=1)
        for start in starts[1:]:
            axes.axhline(start - 0.5, color=theme.faint, linewidth=0.6)
            axes.axvline(start - 0.5, color=theme.faint, linewidth=0.6)
        axes.set_xticks(middles, [factors[k] for k in starts], rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(middles, [factors[k] for k in starts] if axes is grid[0] else [""] * len(starts))
        axes.spines[:].set_visible(False)
    figure.tight_layout(rect=(0, bottom, 0.92, 1), w_pad=0.8)
    place = grid[-1].get_position()
    bar = figure.add_axes((0.93, place.y0, 0.012, place.height))
    colour_bar(bar, theme, shown, ticks=(-1, -0.5, 0, 0.5, 1))
    return figure


SECTION = Section(
    CorrelationResult,
    "Correlations",
    Guide(
        "Are the codes of held-out real images correlated as in the prior, whose correlation matrix is R?",
        "Mean absolute difference over all pairs of dimensions; 0 is the prior itself.",
        "Floor: the same difference for as many samples of the prior. Ceiling: 2.",
        "Correlations describe pairs only, and say nothing about what the codes mean.",
    ),
    _body,
    subtitle="of the codes of held-out images, compared with the prior",
    plots={"correlation": plot_correlation},
    headlines=_headlines,
)
