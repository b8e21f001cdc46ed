"""Public names of a package that are loaded when they are first used (PEP 562).

`import semiray` and `semiray --help` then load nothing heavy, and `semiray generate` nothing that only draws or fits.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from sys import modules

__all__ = ["offer"]


def offer(package: str, names: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the functions `__getattr__` and `__dir__` of a package.

    Args:
        package: Its `__name__`.
        names: What it offers, by the module inside it that each name is in. No name may be a module's as well:
            whoever imports that module would take the name.

    Returns:
        `__getattr__`, which loads a name from its module and raises AttributeError where the package has none such;
        `__dir__`, which lists what is loaded and what can be.

    Examples:
        ``__getattr__, __dir__ = offer(__name__, {"sampling": ("Request", "generate")})``
    """
    module_of = {name: module for module, offered in names.items() for name in offered}

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{module_of[name]}"), name)
        vars(modules[package])[name] = value  # the next time it is there at once
        return value

    def listed() -> list[str]:
        return sorted({*vars(modules[package]), *module_of})

    return load, listed
