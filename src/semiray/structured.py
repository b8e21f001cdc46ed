"""The one reader of JSON, YAML and TOML: plain data of bounded size and depth, or a sentence with file and place.

Whatever a file holds, the result consists of mappings with plain keys, lists, texts that can be written again, whole
numbers of at most 300 digits, fractions, true, false and null. A mapping is never inside itself, and what is repeated
by aliases counts as often as it is repeated. Dates are texts in YAML; in TOML they must be in quotes.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from semiray.errors import SemirayError
from semiray.escaping import shortened

__all__ = [
    "DEEPEST",
    "parse_json",
    "parse_toml",
    "parse_yaml",
    "read_json",
    "read_structured",
    "read_text",
    "read_yaml",
]

LARGEST = 1 << 28  # bytes of a JSON file: a report or a split of some million images
LARGEST_WRITTEN = 1 << 22  # bytes of what people write: YAML and TOML
DEEPEST = 64
_MOST_VALUES = 200_000  # of a YAML file, repetitions by aliases included: some 10 s to read
_LONGEST_NUMBER = 300  # digits: what float() can take
_LONG_NUMBER = re.compile(rf"\d{{{_LONGEST_NUMBER}}}")
_QUOTED = re.compile(r"""\"(?:[^"\\\n]|\\.)*+\"|'[^'\n]*+'""")
_DEEP_KEY = re.compile(r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){65}")  # of TOML, more than DEEPEST levels


def read_json(path: Path, *, largest: int = LARGEST, halves: bool = False) -> Any:
    """The content of a JSON file.

    Raises:
        OSError: it can't be opened.
        SemirayError: it is no JSON, or too large or too deeply nested; names file and place.
    """
    return parse_json(read_text(path, largest), str(path), largest=largest, halves=halves)


def read_yaml(path: Path, *, halves: bool = False) -> Any:
    """The content of a YAML file; errors as those of `read_json`."""
    return parse_yaml(read_text(path, LARGEST_WRITTEN), str(path), halves=halves)


def read_structured(path: Path) -> Any:
    """The content of a file in TOML if its name ends in .toml, else YAML (of which JSON is a part), as `read_yaml`."""
    text = read_text(path, LARGEST_WRITTEN)
    return parse_toml(text, str(path)) if path.suffix.lower() == ".toml" else parse_yaml(text, str(path))


def read_text(path: Path, largest: int) -> str:
    """The text of a UTF-8 file, without a byte order mark; never more than `largest` bytes are read.

    Raises:
        OSError: it can't be opened.
        SemirayError: it is longer, or no UTF-8.
    """
    with path.open("rb") as file:
        return _decode(file.read(largest + 1), str(path), largest)


def parse_json(text: str | bytes, where: str, *, largest: int = LARGEST, halves: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        text: the text; bytes are UTF-8.
        where: what it is, for messages: a file, perhaps with a line.
        largest: bytes allowed.
        halves: whether texts may contain halves of characters (surrogates), as names of files that aren't UTF-8 do.

    Raises:
        SemirayError: not JSON, or too large or too deeply nested; says where.

    Examples:
        >>> parse_json('{"a": [1, 2]}', "notes.json")
        {'a': [1, 2]}
    """
    text = _decode(text, where, largest)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SemirayError(
            f"{where}, line {error.lineno}, column {error.colno}: not JSON: {_lower(error.msg)}"
        ) from None
    except RecursionError:
        raise SemirayError(f"{where}: nested more than {DEEPEST} levels deep") from None
    except ValueError:  # a number of more than 4,300 digits
        raise SemirayError(f"{where}: a number has more than {_LONGEST_NUMBER} digits") from None
    # Millions of short lines are read: most of them can't contain what is refused.
    harmless = text.count("[") + text.count("{") <= DEEPEST and not _LONG_NUMBER.search(text)
    if not (harmless and (halves or (text.isascii() and "\\u" not in text))):
        _check(value, where, halves)
    return value


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The content of a TOML text; arguments and errors as those of `parse_json`."""
    text = _decode(text, where, LARGEST_WRITTEN)
    # tomllib keeps every beginning of a dotted key: a.a.a... of 200 kB would take all memory.
    if _DEEP_KEY.search(_QUOTED.sub("q", text)):
        raise SemirayError(f"{where}: nested more than {DEEPEST} levels deep")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SemirayError(f"{where}: not TOML: {_lower(str(error))}") from None
    except RecursionError:
        raise SemirayError(f"{where}: nested more than {DEEPEST} levels deep") from None
    except ValueError as error:
        raise SemirayError(f"{where}: not TOML: a number or date that doesn't exist ({error})") from None
    _check(tree, where)
    return tree


def parse_yaml(text: str, where: str, *, halves: bool = False) -> Any:
    """The content of a YAML text. A key given twice is an error, and so is every tag but those of plain data.

    Arguments and errors are those of `parse_json`.

    Examples:
        >>> parse_yaml("since: 2020-03-01", "settings")
        {'since': '2020-03-01'}
    """
    text = _decode(text, where, LARGEST_WRITTEN)
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        value = loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise SemirayError(f"{where}{line}: not valid YAML: {problem}") from None
    except (RecursionError, ValueError, OverflowError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise SemirayError(f"{where}: not valid YAML: {error}") from None
    finally:
        if loader is not None:
            loader.dispose()
    _check(value, where, halves)
    return value


class _Loader(yaml.SafeLoader):
    """Safe YAML in the sense of this module."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own form
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "value")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth, self.sizes = 0, dict[int, int]()

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count values and depth while the tree grows, so that neither stack nor memory is used up."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                self._refuse(f"nested more than {DEEPEST} levels deep", event)
            known = self.anchors.get(event.anchor) if isinstance(event, yaml.AliasEvent) else None
            if known is not None and id(known) not in self.sizes:
                self._refuse("an alias refers to what it is inside of", event)
            node = super().compose_node(parent, index)
        finally:
            self.depth -= 1
        if known is None:
            self.sizes[id(node)] = 1 + sum(self.sizes.get(id(child), 1) for child in _children(node))
        if max(len(self.sizes), self.sizes[id(node)]) > _MOST_VALUES:
            self._refuse(f"more than {_MOST_VALUES:,} values, those repeated by aliases included", event)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Refuse what isn't plain, and say where."""
        if node.tag not in _PLAIN_TAGS:
            self._refuse(f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')!r} isn't allowed here", node)
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError, KeyError, IndexError, TypeError, AttributeError):
            return self._refuse(f"{shortened(getattr(node, 'value', ''))} isn't {_PLAIN_TAGS[node.tag]}", node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Check the keys, which PyYAML doesn't."""
        seen = set()
        if not isinstance(node, yaml.MappingNode):
            self._refuse("a mapping is expected here", node)
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse("a key must be a word or a number", key_node)
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                self._refuse(f"{shortened(key)} is given twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    @staticmethod
    def _refuse(problem: str, place: Any) -> Any:
        raise yaml.constructor.ConstructorError(None, None, problem, place.start_mark)


_PLAIN_TAGS: Mapping[str, str] = {
    f"tag:yaml.org,2002:{name}": meaning
    for name, meaning in {
        "null": "null",
        "bool": "true or false",
        "int": "a whole number",
        "float": "a number",
        "str": "a text",
        "seq": "a list",
        "map": "a mapping",
        "merge": "a merge",
    }.items()
}


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _check(value: Any, where: str, halves: bool = False) -> None:
    """Refuse depth, numbers and texts that break whoever uses them; without recursion."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise SemirayError(f"{where}: nested more than {DEEPEST} levels deep")
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.keys()
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str):
                if not halves and not one.isascii():
                    _check_text(one, where)
            elif isinstance(one, int):
                if one.bit_length() > 3 * _LONGEST_NUMBER and abs(one) >= 10**_LONGEST_NUMBER:
                    raise SemirayError(f"{where}: a number has more than {_LONGEST_NUMBER} digits")
            elif one is not None and not isinstance(one, float):
                raise SemirayError(f"{where}: {one} is a date or a time: write it in quotes")
        level = below


def _check_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = f"\\u{ord(text[error.start]):04x}"
        raise SemirayError(f"{where}: {code} is half a character, which no file can hold") from None


def _decode(text: str | bytes, where: str, largest: int) -> str:
    if len(text) > largest:
        size = f"{largest >> 20} MiB" if largest >= 1 << 20 else f"{largest:,} bytes"
        raise SemirayError(f"{where}: larger than {size}, which is too large for what is read here")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SemirayError(f"{where}: not UTF-8 text (byte {error.start:,}); save it as UTF-8") from None


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"
