"""What to expect of a run's budget, said once its speed is known: images, time, and what such runs gave before."""

__all__ = ["outlook"]

# (images shown, utility's ratio TSTR/TRTR) by resolution: `default` on kermany, 2,793 training images of three classes,
# from docs/results.md, "The default at 64 px", and docs/findings.md, "Finest detail was the gap" (32 px).
MEASURED: dict[int, tuple[tuple[int, float], ...]] = {
    32: ((64_000, 0.92),),
    64: ((58_000, 0.88), (140_000, 0.97), (330_000, 0.99)),
}
ENOUGH = 0.8  # of the images of a measured run


def outlook(resolution: int, default: bool, images: int, seconds: float, speed: float) -> str:
    """An estimate in two sentences.

    Args:
        resolution: of the images, in pixels.
        default: whether the networks and objectives are those of the preset that was measured.
        images: that will have been shown at the end.
        seconds: of training at the end.
        speed: images per second.

    Examples:
        >>> outlook(64, True, 150_000, 1800, 81)[:60]
        'About 150,000 images in 30 minutes, at 81 a second. On 2,793'
    """
    minutes = max(1, round(seconds / 60))
    said = f"About {images:,} images in {minutes:,} minute{'s' * (minutes > 1)}, at {speed:.0f} a second."
    measured = MEASURED.get(resolution, ()) if default else ()
    if not measured:
        return (
            f"{said} What they give hasn't been measured for these settings: watch the figures on validation patients."
        )
    reached = [one for one in measured if one[0] * ENOUGH <= images] or [measured[0]]
    shown, ratio = reached[-1]
    verdict = (
        f"On 2,793 radiographs of three classes {shown:,} images at {resolution} px gave {ratio:.2f} of what a "
        "classifier trained on real images reaches (TSTR/TRTR)"
    )
    fewer = "; yours are fewer, so expect less." if shown * ENOUGH > images else "; other data differ."
    return f"{said} {verdict}{fewer}"
