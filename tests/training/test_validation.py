"""Which weights are kept, and what is said when nothing gets better."""

from dataclasses import replace

import pytest

from semiray.training.validation import Measurement, advice, kept, measurements_in


def record(*distances: float) -> list[Measurement]:
    """A measurement every 10,000 images and two minutes."""
    return [Measurement(10_000 * (i + 1), 120.0 * (i + 1), distance, 1.0) for i, distance in enumerate(distances)]


def test_the_smallest_distance_is_kept_and_of_equal_ones_the_last() -> None:
    assert kept(record(9, 5, 7, 8)).images == 20_000
    assert kept(record(9, 5, 5.1, 8)).images == 30_000
    assert kept(record(9, 5, 5.14, 5.3, 4)).images == 50_000


@pytest.mark.parametrize("distances", [(9, 5, 5.1, 5.2, 4.9, 6, 4.8), (3, 4, 5), (5, 4, 3, 3.05, 3.09, 3.12)])
def test_what_is_kept_was_the_best_when_it_was_new(distances: tuple[float, ...]) -> None:
    """So weights need to be written only when they are measured."""
    whole = record(*distances)
    written = [whole[i] for i in range(len(whole)) if kept(whole[: i + 1]) is whole[i]]
    assert written[-1] is kept(whole)


def test_small_budgets_are_not_measured_and_long_ones_not_too_often() -> None:
    assert [measurements_in(minutes, None) for minutes in (0.1, 5, 6, 30, 600)] == [0, 0, 2, 10, 20]
    assert [measurements_in(None, images) for images in (160, 49_999, 150_000, 10**7)] == [0, 0, 6, 20]
    assert measurements_in(30, 60_000) == 2
    assert measurements_in(30, None, 32) == 2 * measurements_in(30, None, 128)


def test_advice_comes_when_nothing_has_been_better_and_depends_on_the_step_size() -> None:
    improving, stuck = record(9, 8, 7, 6, 5), record(9, 5, 5.1, 5.3, 5.2, 5.05)
    assert advice(improving, 0.9, 0.6) == ""
    assert advice(stuck[:4], 0.9, 0.6) == ""
    assert advice(stuck, 0.9, 0.6) == (
        "No better on validation patients for 8 minutes (since 20,000 images): you may stop with Ctrl-C; everything is "
        "saved, and the best weights are those used."
    )
    early = advice(stuck, 0.5, 0.6)
    assert "the step size hasn't fallen yet" in early
    assert "a budget of 20 minutes or 100,000 images in all" in early
    assert "you may stop" in advice(stuck, 0.5, 1.0)


def test_figures_in_words_and_curves() -> None:
    one = Measurement(80_000, 60.0, 4.123, 1.2)
    assert str(one) == "distance 4.12 (floor 1.2)"
    assert one.curves.keys() == {"validation/distance", "validation/distance of real images"}
    both = replace(one, tstr=0.72, trtr=0.8)
    assert str(both) == "TSTR/TRTR 0.90, distance 4.12 (floor 1.2)"
    assert both.curves["validation/TSTR over TRTR"] == pytest.approx(0.9)


def test_files_may_hold_anything() -> None:
    assert Measurement(1, 2.0, 3.0, 4.0).possible
    assert not Measurement(1, 2.0, float("nan"), 4.0).possible
    assert not Measurement("1", 2.0, 3.0, 4.0).possible  # type: ignore[arg-type]
    assert not Measurement(1, 2.0, 3.0, 4.0, "x", True).possible  # type: ignore[arg-type]
