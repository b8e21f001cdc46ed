"""Privacy: copies of training images, and what attackers learn about who was in the training data."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from semiray.evaluation import MembershipResult, PrivacyResult, Results
from semiray.evaluation.judgements.membership import FALSE_POSITIVES
from semiray.radiographs.pixels.copies import COPY
from semiray.report.section import Block, Guide, Headline, Picture, Section, Table, cells, ends, html, span
from semiray.report.sections.fidelity import space_name
from semiray.report.theme import Theme, blank, foot, image, row_name

__all__ = ["ATTACKERS", "SECTION"]

ATTACKERS = {
    "black_box": "the synthetic images",
    "white_box": "the discriminator",
    "white_box_classes": "the sorter's classes",
}
SIDE, LEFT, ABOVE, BELOW, GAP = 1.0, 0.95, 0.3, 0.4, 0.06  # inches


def _body(result: PrivacyResult, _: Results) -> Iterator[Block]:
    copies, alarms = result.copies, result.false_alarms
    yield html(
        "<strong>{:,} of {:,} synthetic images are copies</strong> of one of {:,} training images, possibly "
        "shifted, mirrored, brighter or blurred. The same search finds {:,} false alarms among {:,} held-out "
        "images. The smallest ratio is {:.2f} for synthetic and {:.2f} for held-out images.",
        *(copies.copied, copies.n_images, result.n_train, alarms.copied, alarms.n_images),
        *(copies.least_ratio, alarms.least_ratio),
    )
    yield Picture("closest")
    if result.authenticity:
        yield from _nearness(result)
    yield "Membership: can an attacker distinguish training patients from others?"
    rows = []
    for what, found in _attackers(result):
        images = f"{found.n_train:,} and {found.n_held_out:,}"
        rows.append([what, *cells(found.auroc, found.true_positives), f"{found.floor:.3f}", images])
    head = ["the attacker has", "AUROC", "true-positive rate", "chance level", "training and held-out images"]
    yield Table(head, rows)


def _nearness(result: PrivacyResult) -> Iterator[Block]:
    """How near synthetic images come to training images, beside held-out ones."""
    text = (
        "Nearness: the distance of an image to the nearest training image. Synthetic images should come no nearer than "
        "held-out ones, which nobody copied: the row of held-out images is the reference, not 1. Authentic: the share "
        "of images that are farther from their nearest training image than that one is from another patient's. "
        "Pixels: thumbnails, aligned as for copies."
    )
    rows = []
    for near in result.authenticity:
        if near.space != "pixels":
            text += f" {space_name(near.space)[:1].upper()}{space_name(near.space)[1:]}."
        if near.space == "trtr":
            text += (
                " It was trained on the training images and may separate them from all others for that reason alone: a "
                "gap here that is absent in pixels may come from the classifier."
            )
        for kind, words, side in (("synthetic", "synthetic", near.synthetic), ("real", "held out", near.held_out)):
            name = html('{} <span class="{}">{}</span>', near.space, kind, words)
            rows.append([name, *cells(side.median, side.closest, side.authenticity), f"{side.n_images:,} images"])
    yield text
    yield Table(["distance in", "median", "closest 1 %", "authentic", "of"], rows)


def _headlines(result: PrivacyResult, _: Results) -> Iterator[Headline]:
    copies, alarms = result.copies, result.false_alarms
    told = "; ".join(f"{found.auroc.mean:.2f} ({span(found.auroc)}) with {what}" for what, found in _attackers(result))
    yield Headline(
        "copies of training images, per cent",
        100 * copies.copied / copies.n_images,
        reference=100 * alarms.copied / alarms.n_images,
        reference_name="false alarms",
        sentence=f"copies of training images: {copies.copied:,} of {copies.n_images:,}; false alarms {alarms.copied:,} "
        f"of {alarms.n_images:,} held-out images. AUROC of membership attacks: {told}; chance level 0.50",
    )
    for near in result.authenticity:
        name, reference = f"authentic images, {near.space}", near.held_out.authenticity.mean
        yield Headline(name, *ends(near.synthetic.authenticity), reference, "held-out images")
    for what, attack in _attackers(result):
        yield Headline(f"AUROC of an attacker with {what}", *ends(attack.auroc), 0.5, "chance level")


def _verdict(result: PrivacyResult, _: Results) -> str:
    copies, alarms = result.copies, result.false_alarms
    warnings = []
    if copies.copied / copies.n_images > alarms.copied / alarms.n_images:
        words = "is a copy of a training image" if copies.copied == 1 else "are copies of training images"
        warnings.append(f"{copies.copied:,} of {copies.n_images:,} images {words}")
    warnings += [
        f"an attacker with {what} recognises training patients better than chance (AUROC {found.auroc.mean:.2f}, "
        f"{span(found.auroc)}; chance level 0.50)"
        for what, found in _attackers(result)
        if found.auroc.low > 0.5
    ]
    if warnings:
        return f"Privacy warning: {'; '.join(warnings)}."
    found = "No copies were found" if not copies.copied else "Copies are no more frequent than among held-out images"
    return (
        f"{found}, and there is no evidence that an attacker can recognise training patients. This does not prove that "
        "privacy is preserved."
    )


def _attackers(result: PrivacyResult) -> list[tuple[str, MembershipResult]]:
    """What attackers have, and what they learn."""
    return [(what, found) for name, what in ATTACKERS.items() if (found := getattr(result, name)) is not None]


def _plot(result: PrivacyResult, _: Results, theme: Theme) -> Figure:
    """The synthetic images nearest to a training image, which stands below."""
    count, limit = len(result.closest), result.copies.ratio
    figure = blank(max(LEFT + count * (SIDE + GAP), 4.5), ABOVE + 2 * SIDE + GAP + BELOW, theme)
    foot(figure, theme, f"Distance, relative to that of the nearest other patient; below {limit}: a copy.")
    for j, (pair, ratio) in enumerate(zip(result.closest, result.closest_ratios, strict=True)):
        above, below = (
            image(figure, theme, pixels, LEFT + j * (SIDE + GAP), ABOVE + i * (SIDE + GAP), SIDE)
            for i, pixels in enumerate(pair)
        )
        above.set_title(f"{ratio:.2f}", fontsize=9, color=theme.synthetic if ratio < limit else theme.ink, pad=3)
        if j == 0:
            row_name(above, theme, "synthetic")
            row_name(below, theme, "training")
    return figure


SECTION = Section(
    PrivacyResult,
    "Privacy",
    Guide(
        "Does the generator reveal its patients? Copies of training images among the synthetic ones, and what "
        "attackers learn about who was in the training data.",
        f"A copy is less than {COPY} times as far from its training image as that image is from another patient's. "
        "AUROC: how well an attacker distinguishes training patients from others. True-positive rate: the share of "
        f"training images identified at {FALSE_POSITIVES:.0%} false positives.",
        "Floor, and best: no more copies than false alarms among held-out images; AUROC 0.5 and the true-positive rate "
        "at chance level. Worst: 1.",
        "Rotated or enlarged copies are missed. Simple attacks are tried; a better one may succeed. Finding "
        "nothing does not prove that nothing leaks.",
    ),
    _body,
    subtitle="no copies and 0.5 are best",
    plots={"closest": _plot},
    real_plots=frozenset({"closest"}),
    headlines=_headlines,
    verdict=_verdict,
    missing="Privacy was not measured",
)
