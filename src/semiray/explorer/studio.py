"""Makes what the page asks for: images of the run as Python would make them, told apart from what was drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.explorer.asking import Ask
from semiray.explorer.lines import grid_lines, patient_lines, upload_lines
from semiray.explorer.pictures import difference_picture, real_picture
from semiray.explorer.scale import factor_scale
from semiray.explorer.uploads import Upload, read_upload
from semiray.generation.copies import CopyFilter
from semiray.generation.hold import check_hold
from semiray.generation.sampling import Request
from semiray.generation.synthetic import Synthetic, encode_image
from semiray.priors.events.language import read_event

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training.run import Run

__all__ = ["Shown", "Studio"]

_KEPT = 8  # requests whose draws, and uploads whose codes, are remembered


@dataclass(frozen=True)
class Shown:
    """An answer: what is said, and the pictures (PNG files) that go with it."""

    head: Mapping[str, Any]
    pictures: Sequence[bytes] = field(default_factory=tuple)


class Studio:
    """A run at work. One thread at a time may use it.

    Args:
        run: the run.
        data: what it was trained on, to look for the nearest training image; None looks for none.
        device: the device as a person named it, for the lines that make the same images.

    Attributes:
        stopping: set it to end a long search.
    """

    def __init__(self, run: Run, data: RadiographSet[ImageArray] | None = None, *, device: str = "auto") -> None:
        self.run, self.device, self.name = run, device, run.path.resolve().name
        self.stopping = threading.Event()
        self._copies = None if data is None else CopyFilter(run, data)
        self._requests: OrderedDict[tuple[Any, ...], Request] = OrderedDict()
        self._drawn: tuple[tuple[Any, ...], Synthetic] | None = None
        self._uploads: OrderedDict[str, Upload] = OrderedDict()

    @property
    def has_data(self) -> bool:
        """Whether training images are at hand."""
        return self._copies is not None

    def event(self, ask: Ask) -> Shown:
        """The probability of the event under the prior; none without an event."""
        return Shown({"event": self._probability(self._request(ask))})

    def grid(self, ask: Ask) -> Shown:
        """The first images of the sample, under what is held."""
        request, shown = self._request(ask), self.images(ask)
        drawn = self._as_drawn(request, ask) if ask.difference and ask.hold else None
        before = None if drawn is None else drawn.images
        head = {
            "event": self._probability(request),
            "left": self._left(ask, shown.codes),
            "labels": [shown.label_name(i) for i in range(len(shown))],
            "lines": grid_lines(self.run, ask, self.device),
        }
        return Shown(head, [self._picture(shown, i, None if before is None else before[i]) for i in range(len(shown))])

    def patient(self, ask: Ask) -> Shown:
        """One patient: as drawn (or as reconstructed, if uploaded), as held, and the neighbours along a factor."""
        drawn, current, *row = parts = self.neighbours(ask)
        values = self._steps(ask)
        holds = [current.held, *(one.held for one in row)]
        head: dict[str, Any] = {
            "event": None,
            "label": current.label_name(0),
            "drawn": drawn.codes[0].tolist(),
            "codes": current.codes[0].tolist(),
            "values": values,
        }
        if ask.upload:
            upload = self._upload(ask)
            lines = upload_lines(self.run, ask, upload.name, upload.label, holds, self.device)
            head |= {"lines": lines, "estimates": upload.estimates, "left": 0}
        else:
            head |= {"event": self._probability(self._request(ask)), "left": self._left(ask, current.codes)}
            head |= {"lines": patient_lines(self.run, ask, holds, self.device)}
        before = drawn.images[0] if ask.difference else None
        # Where nothing is held there is no difference to see: the image itself.
        pictures = [self._picture(one, 0, before if k > 1 or (k and ask.hold) else None) for k, one in enumerate(parts)]
        if ask.upload:
            original = self._upload(ask).original
            pictures += [real_picture(original), difference_picture(drawn.images[0], original)]
        return Shown(head, pictures)

    def images(self, ask: Ask) -> Synthetic:
        """The images of the grid."""
        return self._request(ask).holding(ask.hold).images(0, ask.count)

    def neighbours(self, ask: Ask) -> list[Synthetic]:
        """One image each: as drawn, as held, then one for every step along the factor."""
        steps: list[dict[str, float]] = [{ask.factor: value} for value in self._steps(ask)]
        holds = [{}, dict(ask.hold), *(self._without(ask) | step for step in steps)]
        if ask.upload:
            return self._upload(ask).images(holds)
        return self._request(ask).variants(ask.index, holds)

    def nearest(self, ask: Ask) -> Shown:
        """The training image that is nearest to the patient as held, and whether the latter is a copy of it.

        Raises:
            SemirayError: The explorer was started without training images.
        """
        if self._copies is None:
            raise SemirayError("Start the explorer with DATA, what the run was trained on, to look for copies.")
        current = self.neighbours(ask)[1]
        found = self._copies.nearest(current.images)
        original, train = int(found.original[0]), self._copies.train
        ratio = float(found.ratio[0])
        head = {
            "key": train.keys[original],
            "label": train.classes[train.labels[original]] if train.labels[original] >= 0 else "",
            "ratio": ratio if np.isfinite(ratio) else None,
            "copied": bool(found.copied[0]),
            "of": len(train),
        }
        return Shown(head, [real_picture(np.asarray(train.images[original])), self._picture(current, 0, None)])

    def take_upload(
        self, content: bytes, name: str, label: str | None, told: Callable[[Mapping[str, Any]], None]
    ) -> Shown:
        """Read an image, estimate class and codes, search for its reconstruction; ``told`` hears how far that is.

        Raises:
            SemirayError: It can't be read, or the class is unknown, or ``told`` raised it.
        """
        upload = read_upload(self.run, content, name, label, told)
        self._uploads[upload.key] = upload
        while len(self._uploads) > _KEPT:
            self._uploads.popitem(last=False)
        return Shown({"upload": upload.key, "estimates": upload.estimates})

    def _upload(self, ask: Ask) -> Upload:
        if ask.upload not in self._uploads:
            raise SemirayError("This image is not kept any more: upload it again.")
        return self._uploads[ask.upload]

    def _request(self, ask: Ask) -> Request:
        """The request without what is held; what it drew is remembered."""
        where = ask.where.strip() or None
        key = (ask.label, where, ask.seed)
        if key not in self._requests:
            self._requests[key] = Request(self.run, label=ask.label, where=where, seed=ask.seed)
        self._requests.move_to_end(key)
        while len(self._requests) > _KEPT:
            self._requests.popitem(last=False)
        check_hold(self.run.prior, ask.hold)
        return self._requests[key]

    def _as_drawn(self, request: Request, ask: Ask) -> Synthetic:
        key = (ask.label, request.where, ask.seed, ask.count)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = key, request.images(0, ask.count)
        return self._drawn[1]

    def _picture(self, one: Synthetic, i: int, before: NDArray[np.uint8] | None) -> bytes:
        return encode_image(one, i, self.name) if before is None else difference_picture(one.images[i], before)

    def _probability(self, request: Request) -> dict[str, Any] | None:
        if request.where is None:
            return None
        return {"text": request.where, "probability": request.event_probability}

    def _left(self, ask: Ask, codes: NDArray[np.float32]) -> int:
        """How many images what is held has taken out of the event."""
        if not (ask.hold and ask.where.strip()):
            return 0
        event = read_event(ask.where, self.run.prior.slices, self.run.prior.discrete)
        return int((~event(torch.from_numpy(codes))).sum())

    def _steps(self, ask: Ask) -> list[float]:
        return list(factor_scale(self.run.prior, ask.factor).steps()) if ask.factor else []

    def _without(self, ask: Ask) -> dict[str, float]:
        """What is held of other factors than the one that moves."""
        columns = self.run.prior.slices.get(ask.factor)
        names = () if columns is None else self.run.prior.names[columns]
        return {name: value for name, value in ask.hold.items() if name != ask.factor and name not in names}
