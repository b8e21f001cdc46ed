"""The settings of a run: one typed tree, read from YAML or TOML, from the command line, or made in Python.

Every option is declared here once, with its meaning. The command line takes names, defaults and help texts from here.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.files import user_path
from semiray.radiographs.reading.options import ClassShares, ReadingOptions
from semiray.structured import DEEPEST, parse_yaml, read_structured

if TYPE_CHECKING:
    from semiray.priors import JointPrior

__all__ = [
    "NONE_ASSUMED",
    "PRESETS",
    "AugmentationSettings",
    "DataSettings",
    "NetworkSettings",
    "ObjectiveSettings",
    "OptimisationSettings",
    "Section",
    "Settings",
    "load_settings",
    "make_settings",
    "override",
    "read_ground",
    "read_tree",
]

Preset = Literal["default", "study"]
Decay = Annotated[float, Field(ge=0, lt=1)]
LARGEST = 1_000_000  # of a weight, of steps between penalties, and of minutes: almost two years
PRESETS: tuple[Preset, ...] = get_args(Preset)
NONE_ASSUMED: dict[str, Any] = {"factors": {}}
"""`prior` where findings are to be the only factors: the option `prior=findings`."""


class Numbers(BaseModel):
    """A model whose numbers are numbers: true and false, which pydantic reads as 1 and 0, are refused."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_values(cls, value: object, field: ValidationInfo) -> object:
        kind = cls.model_fields[str(field.field_name)].annotation
        inside = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(one, bool) for one in inside) and kind not in (bool, Any) and bool not in get_args(kind):
            raise ValueError("true and false aren't allowed here")
        return value


class Section(Numbers):
    """A branch of the tree. Unknown keys are errors; values can't be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """The options that were set explicitly, as a tree."""
        return self.model_dump(exclude_unset=True)


class DataSettings(ReadingOptions, Numbers):
    """How images are read, and how patients are split."""

    fractions: tuple[float, float, float] = Field(
        (0.7, 0.1, 0.2), description="fractions of the patients for training, validation and test"
    )
    official_split: bool = Field(
        False, description="keep the parts that DATA came with: train, val and test folders, a column, lists of files"
    )
    thin: dict[str, float] = Field(
        {}, description="for experiments: class -> share of its training patients to keep; validation and test stay"
    )

    @property
    def reading(self) -> dict[str, Any]:
        """The options of `load_radiographs` that are set, as keyword arguments."""
        return self.model_dump(exclude_unset=True, exclude={"fractions", "official_split", "thin"})


class NetworkSettings(Section):
    """The sizes of generator and discriminator."""

    architecture: Literal["residual", "dcgan"] = Field("residual", description="architecture of both networks")
    noise: int = Field(64, ge=1, le=4096, description="length of the noise z")
    width: int = Field(32, ge=4, le=512, description="channels of the largest feature maps; doubled at each halving")
    widest: int = Field(256, ge=4, le=2048, description="maximum number of channels")
    embedding: int = Field(32, ge=1, le=4096, description="length of a label's embedding")


class ObjectiveSettings(Section):
    """The terms of the losses and their weights."""

    adversarial: Literal["relativistic", "cross_entropy"] = Field("relativistic", description="adversarial loss")
    penalty: float = Field(
        0.2, ge=0, le=LARGEST, description="weight gamma of the zero-centred gradient penalties (R1 and R2)"
    )
    penalty_every: int = Field(
        8, ge=1, le=LARGEST, description="steps between two penalties; their weight is multiplied by this number"
    )
    sort: float = Field(
        1.0, ge=0, le=LARGEST, description="weight of sort: codes estimated from real images follow the prior"
    )
    sort_directions: int = Field(32, ge=0, le=65_536, description="random projections compared, beside the axes")
    commit: float = Field(4.0, ge=0, le=LARGEST, description="weight of commit: estimated codes equal requested ones")
    commit_form: Literal["squared_error", "codes_and_scores", "likelihood"] = Field(
        "squared_error",
        description="form of commit: mean squared error of codes; of codes and scores, half each; or InfoGAN's "
        "likelihood",
    )
    ground: float = Field(
        4.0, ge=0, le=LARGEST, description="weight of ground: the sorter fitted to metadata of real images"
    )
    ground_lead: float = Field(
        5.0,
        gt=0,
        le=LARGEST,
        description="weight of a grounded factor's lead in the generator's commit, relative to all other dimensions; "
        "the discriminator's commit leaves it out",
    )
    ground_batch: int = Field(16, ge=1, le=65_536, description="images with metadata per step, beside the batch")
    classify: float = Field(
        0.5, ge=0, le=LARGEST, description="weight of the class in commit (generated) and ground (real images)"
    )
    twin: float = Field(
        0.3,
        ge=0,
        le=1,
        description="how much of classify is taken back from the generator where a class head that is trained on "
        "generated images is as wrong: 0 makes classes purer than real ones",
    )
    generator_share: float = Field(
        0.4,
        ge=0,
        le=LARGEST,
        description="factor on commit and classify in the generator's loss; small values keep codes from being "
        "painted as patterns",
    )
    content: float = Field(
        1.5,
        ge=0,
        le=LARGEST,
        description="weight of content: what a factor changes is anatomy or opacity, not exposure or framing",
    )
    relaxation: float = Field(4.0, gt=0, le=LARGEST, description="sharpness of a discrete code's smoothed threshold")


class AugmentationSettings(Section):
    """Random changes to all images before the discriminator, real and generated alike; all zero: none."""

    shift: float = Field(0.06, ge=0, le=0.5, description="largest shift, as a fraction of the image's side")
    zoom: float = Field(0.06, ge=0, lt=1, description="largest relative change of size")
    brightness: float = Field(0.2, ge=0, le=2, description="largest change of brightness, in units of [-1, 1]")
    contrast: float = Field(0.2, ge=0, lt=1, description="largest relative change of contrast")
    blur: float = Field(0.2, ge=0, le=1, description="probability of halving and restoring the size")
    noise: float = Field(0.05, ge=0, le=2, description="largest standard deviation of white noise, in units of [-1, 1]")


class OptimisationSettings(Section):
    """Batches, steps and averages."""

    batch: int = Field(32, ge=2, le=65_536, description="images per step")
    learning_rate: float = Field(1e-3, gt=0, le=10, description="Adam's step size, for both networks")
    betas: tuple[Decay, Decay] = Field((0.0, 0.9), description="Adam's decay rates")
    cool_from: float = Field(
        0.6, ge=0, le=1, description="fraction of the run after which the step size falls to zero (cosine); 1: never"
    )
    average: float = Field(
        500.0, ge=0, le=1e12, description="half-life of the generator's moving average, in steps; 0: no average"
    )
    forget: float = Field(0.2, ge=0, le=1, description="steps of forgetting after training, as a share of its own")
    bf16: bool | None = Field(None, description="bfloat16 autocast; empty: where it is faster")
    channels_last: bool = Field(True, description="channels-last memory format")


class Settings(Section):
    """All that defines a run, except its data: `Settings()` is the preset `default`."""

    preset: Preset = Field("default", description="preset that all other settings start from")
    resolution: Literal[32, 64, 128, 256, 512] = Field(64, description="side of the images in pixels")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of the split, the initial weights and every draw")
    minutes: float | None = Field(
        None, gt=0, le=LARGEST, description="minutes to train; 30 if neither minutes nor images are set"
    )
    images: int | None = Field(
        None, ge=1, le=10**12, description="number of real images to train on, repetitions included"
    )
    checkpoint_seconds: float = Field(
        60.0, ge=0, le=1e8, description="seconds between checkpoints: the most that a killed process loses"
    )
    label_fraction: float = Field(
        1.0,
        gt=0,
        le=1,
        description="for experiments: share of each class's training patients whose label is used; others are hidden",
    )
    unlabelled: Literal["use", "omit"] = Field(
        "use", description="whether images whose label is unknown or hidden are trained on, where others have one"
    )
    rare_findings: Literal["omit", "refuse"] = Field("omit", description="what to do with findings too rare to learn")
    class_shares: ClassShares | None = Field(
        None,
        description="share of each class among the images without a label; by default that among the labelled ones",
    )
    watch: bool = Field(
        True, description="measure the generator on validation patients now and then, and keep the best weights"
    )
    prior: dict[str, Any] | None = Field(
        None, description="the joint prior of all factors, or findings for no others; by default the study's"
    )
    ground: dict[str, Any] | str | None = Field(
        None,
        description="rules that ground factors in metadata or in pixels, or a recipe: hannover, ieee8023 (tables), "
        "lateral (presentation follows left-right asymmetry, measured in the images); by default all factors are "
        "assumed",
    )
    data: DataSettings = DataSettings()
    networks: NetworkSettings = NetworkSettings()
    objectives: ObjectiveSettings = ObjectiveSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    optimisation: OptimisationSettings = OptimisationSettings()

    def to_yaml(self) -> str:
        """The whole tree, resolved, as YAML that `load_settings` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


# The study's recipe: DCGAN-like networks, binary cross-entropy, squared error of the codes, nothing else.
STUDY: dict[str, Any] = {
    "networks": {"architecture": "dcgan"},
    "objectives": {
        "adversarial": "cross_entropy",
        "penalty": 0.0,
        "sort": 0.3,
        "commit": 1.0,
        "generator_share": 1.0,
        "classify": 0.0,
        "twin": 0.0,
        "content": 0.0,
    },
    "augmentation": {"shift": 0.0, "zoom": 0.0, "brightness": 0.0, "contrast": 0.0, "blur": 0.0, "noise": 0.0},
    "optimisation": {
        "batch": 64,
        "learning_rate": 2e-4,
        "betas": [0.5, 0.999],
        "cool_from": 1,
        "average": 0,
        "forget": 0,
    },
}


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` on top, branch by branch; priors, class maps, shares and grounds are replaced whole."""
    merged = dict(base)
    for key, value in changes.items():
        old, whole = merged.get(key), key in ("prior", "classes", "ground", "class_shares")
        if isinstance(old, Mapping) and isinstance(value, Mapping) and not whole:
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def read_tree(path: Path) -> dict[str, Any]:
    """Read a YAML or TOML file as a tree; errors name the file and the line."""
    try:
        tree = read_structured(path)
    except OSError as error:
        raise SemirayError(f"settings file {path} can't be read: {error.strerror}") from error
    except SemirayError as error:
        raise SemirayError(f"settings file {error}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SemirayError(f"settings file {path} holds a {type(tree).__name__}: expected `option: value` lines")
    if isinstance(tree.get("settings"), dict):  # a run's settings.yaml, which also describes its data
        return dict(tree["settings"])
    return tree


def parse_assignment(text: str) -> dict[str, Any]:
    """Read `a.b=c` as the tree {a: {b: c}}; the value is YAML."""
    name, equals, value = text.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys) or len(keys) > DEEPEST:
        raise SemirayError(f"setting {shortened(text)}: expected option=value, such as objectives.sort=0.5")
    tree: Any = parse_yaml(value, f"setting {shortened(text)}")
    for key in reversed(keys):
        tree = {key: tree}
    return dict(tree)


def known_options(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all options below a branch."""
    names = []
    for key, field in model.model_fields.items():
        branch = field.annotation
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            names += known_options(branch, f"{prefix}{key}.")
        else:
            names.append(prefix + key)
    return names


def explain(error: ValidationError, origin: str) -> SemirayError:
    """Pydantic's findings as sentences; a misspelt option gets the nearest known one as a hint."""
    lines = []
    options = known_options(Settings)
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            leaf = name.rsplit(".", 1)[-1]
            near = difflib.get_close_matches(name, options, 1) or [o for o in options if o.rsplit(".", 1)[-1] == leaf]
            hint = f"; did you mean {near[0]}?" if near else f"; the options are {', '.join(options)}"
            lines.append(f"{name}: no such option{hint}")
        else:
            said = item["msg"].removeprefix("Value error, ")
            lines.append(f"{name} = {shortened(item['input'])}: {said[:1].lower()}{said[1:]}")
    return SemirayError(f"{origin}: " + "\n  ".join(lines))


def make_settings(tree: Mapping[str, Any] | None = None, origin: str = "settings") -> Settings:
    """A validated tree on top of its preset, which the tree may name; `origin` is where it comes from, for errors.

    Raises:
        SemirayError: an unknown option (the message names the nearest known one) or a value out of range.

    Examples:
        >>> make_settings({"preset": "study", "objectives": {"sort": 0.5}}).networks.architecture
        'dcgan'
    """
    tree = tree or {}
    preset = tree.get("preset", "default")
    try:
        return Settings.model_validate(merge(STUDY if preset == "study" else {}, tree))
    except ValidationError as error:
        raise explain(error, origin) from error


def load_settings(path: Path | str | None = None, assignments: Iterable[str] = (), **options: Any) -> Settings:
    """Settings from a YAML or TOML file, then keyword options as for `override`, then assignments; later ones win.

    Examples:
        >>> load_settings(assignments=["objectives.sort=0.5"]).objectives.sort
        0.5
    """
    tree = merge(read_tree(user_path(path)) if path else {}, _trees(options))
    for text in assignments:
        tree = merge(tree, parse_assignment(text))
    return make_settings(tree, str(path) if path else "settings")


def override(settings: Settings, **options: Any) -> Settings:
    """Settings with some options replaced: top-level ones, or branches such as `objectives={"sort": 0.5}`.

    None changes nothing. `prior` may also be a `JointPrior`, the path of one, or "findings": no factors but findings.

    Examples:
        >>> override(Settings(), minutes=5, objectives={"sort": 0.5}).objectives.sort
        0.5
    """
    return make_settings(merge(settings.given(), _trees(options)))


def _trees(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that are set, with priors and grounds as trees."""
    read = {"prior": _prior_tree, "ground": read_ground}
    return {name: read[name](value) if name in read else value for name, value in options.items() if value is not None}


def _prior_tree(prior: "JointPrior | Mapping[str, Any] | Path | str") -> dict[str, Any]:
    from semiray.priors import JointPrior

    found = NONE_ASSUMED if prior == "findings" else prior
    if isinstance(found, Mapping):
        return dict(found)
    return (found if isinstance(found, JointPrior) else JointPrior.from_yaml(found)).to_dict()


def read_ground(ground: Mapping[str, Any] | Path | str) -> Mapping[str, Any] | str:
    """Rules as they are, the name of a recipe, or the content of a file: what it holds under `ground`, or all of it."""
    from semiray.priors import RECIPES

    if isinstance(ground, Mapping) or ground in RECIPES:
        return ground if isinstance(ground, Mapping) else str(ground)
    path = user_path(ground)
    if not path.exists():
        raise SemirayError(f"ground={ground!s}: neither a file nor a recipe; the recipes are {', '.join(RECIPES)}")
    tree = read_tree(path)
    return tree.get("ground", tree)  # type: ignore[no-any-return]
