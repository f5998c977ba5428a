"""From a file to a configuration, or to findings that name line, key and mend.

Whatever a file holds, nothing else is ever raised.
"""

from __future__ import annotations

import difflib
import re
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import pydantic

from edge.camera.schemes import SCHEME_FORMS
from edge.config.migrations import migrate
from edge.config.models import CURRENT_VERSION, Config
from edge.config.positions import KeyPath, key_lines, line_of
from edge.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES: Final = 262_144
"""No configuration is as long; what is longer is another file."""
NONE: Final = "none"
"""What a file says for a value that is absent though the default is not."""
_FOUND_CHARS: Final = 60


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. line: from 1; None concerns the file as a whole."""

    line: int | None
    key: str
    what: str
    mend: str = ""

    def text(self, path: Path) -> str:
        """``FILE:LINE: KEY: WHAT; MEND``."""
        place = str(path) if self.line is None else f"{path}:{self.line}"
        return "; ".join(filter(None, [": ".join(filter(None, [place, self.key, self.what])), self.mend]))


class ConfigError(UsageError):
    """A configuration that cannot be used, with everything that was found in it."""

    def __init__(self, path: Path, findings: Sequence[Finding]) -> None:
        self.path, self.findings = path, tuple(findings)
        first, more = self.findings[0], len(self.findings) - 1
        where = str(path) if first.line is None else f"{path}:{first.line}"
        rest = f"{more} more: latx-edge config check {path} shows all" if more else ""
        super().__init__(": ".join(filter(None, [first.key, first.what])), where=where,
                         mend="; ".join(filter(None, [first.mend, rest])))


@dataclass(frozen=True)
class Loaded:
    """A valid configuration and the version of the layout that it was written in."""

    config: Config
    version: int


def load_config(path: Path) -> Loaded:
    """Read a file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or holds what the models refuse.
    """
    return parse_config(_read(path), path)


def parse_config(text: str, path: Path) -> Loaded:
    """Configuration from TOML text; ``path`` is only named.

    Raises:
        ConfigError: as ``load_config``.
    """
    data = _parse(text, path)
    lines = _lines(text)
    version = data.get("version", 0)
    if not isinstance(version, int) or isinstance(version, bool) or not 0 <= version <= CURRENT_VERSION:
        raise ConfigError(path, [Finding(
            line_of(lines, ("version",)), "version", f"found {_shown(version)}, this program knows 0 to "
            f"{CURRENT_VERSION}", "install the latx-edge that wrote this file, or mend the number",
        )])  # fmt: skip
    current, origin = migrate(data, version)
    try:
        config = Config.model_validate(_without_nones(current, Config))
    except pydantic.ValidationError as failure:
        raise ConfigError(path, _findings(failure, lines, origin)) from None
    scheme = config.camera.uri.partition(":")[0]
    if scheme not in SCHEME_FORMS:
        key = origin.get(("camera", "uri"), ("camera", "uri"))
        raise ConfigError(path, [Finding(
            line_of(lines, key), ".".join(map(str, key)),
            f"found {_shown(config.camera.uri)}, expected {' or '.join(SCHEME_FORMS.values())}",
        )])  # fmt: skip
    return Loaded(config, version)


def _read(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device might never end
            raise ConfigError(path, [Finding(None, "", "this is no file", "give a TOML file")])
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as failure:
        why = getattr(failure, "strerror", None) or str(failure)
        mend = "latx-edge config default > FILE writes one"
        if isinstance(failure, PermissionError):
            mend = "the service's own is for its user and root: use sudo"
        raise ConfigError(path, [Finding(None, "", f"the configuration cannot be read: {why}", mend)]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(path, [Finding(None, "", f"longer than {MAX_BYTES} bytes", "give a configuration")])
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as failure:
        line = raw.count(b"\n", 0, failure.start) + 1
        raise ConfigError(path, [Finding(line, "", "not UTF-8", "save the file as UTF-8")]) from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as failure:
        place = re.search(r" \(at line (\d+), column (\d+)\)", str(failure))
        line = int(place[1]) if place else text.count("\n") + 1
        what = re.sub(r" \(at .*\)$", "", str(failure))
        raise ConfigError(path, [Finding(line, "", f"no TOML: {what}", "mend this line")]) from None
    except (RecursionError, ValueError) as failure:  # a thousand brackets; a number with a million digits
        what = "nested too deeply" if isinstance(failure, RecursionError) else "a number is too long"
        raise ConfigError(path, [Finding(None, "", what, "give a configuration")]) from None


def _lines(text: str) -> dict[KeyPath, int]:
    try:
        return key_lines(text)
    except (RecursionError, ValueError):  # a finding without its line is better than none
        return {}


def _findings(failure: pydantic.ValidationError, lines: dict[KeyPath, int],
              origin: dict[KeyPath, KeyPath]) -> list[Finding]:
    """One finding per key, in the order of the file."""
    found: dict[KeyPath, Finding] = {}
    for error in failure.errors(include_url=False):
        path = _own(error["loc"])
        was = origin.get(path, path)
        key = ".".join(map(str, was))
        if error["type"] == "extra_forbidden":
            finding = Finding(line_of(lines, was), key, "unknown key", _did_you_mean(path))
        else:
            message = error["msg"].removeprefix("Value error, ")
            scalar = isinstance(error["input"], (str, int, float))
            finding = Finding(line_of(lines, was), key,
                              f"found {_shown(error['input'])}: {message}" if scalar else message)
        found.setdefault(path, finding)
    return sorted(found.values(), key=lambda f: f.line or 0)


def _without_nones(data: dict[str, Any], model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """``"none"``, which TOML has no word for, as None, where a key may be that."""
    new: dict[str, Any] = {}
    for key, value in data.items():
        field, section = model.model_fields.get(key), _section(model, key)
        if isinstance(value, dict) and section is not None:
            value = _without_nones(value, section)
        elif value == NONE and field is not None and type(None) in get_args(field.annotation):
            value = None
        new[key] = value
    return new


def _own(loc: tuple[str | int, ...]) -> KeyPath:
    """The part of pydantic's location that a file has: branches of a union are no keys."""
    model: type[pydantic.BaseModel] | None = Config
    path: list[str | int] = []
    for part in loc:
        if model is None:
            break
        path.append(part)
        model = _section(model, str(part))
    return tuple(path)


def _section(model: type[pydantic.BaseModel], key: str) -> type[pydantic.BaseModel] | None:
    """The model of a field that is a section, also an optional one."""
    field = model.model_fields.get(key)
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, pydantic.BaseModel)), None)


def _did_you_mean(path: KeyPath) -> str:
    *parents, wrong = map(str, path)
    places = _places(Config, ())
    here = {place[-1]: place for place in places if place[:-1] == tuple(parents)}
    if close := difflib.get_close_matches(wrong, here, n=1):
        return f"did you mean {close[0]}?"
    elsewhere = sorted({".".join(place[:-1]) for place in places if place[-1] == wrong})
    if elsewhere:
        return f"it belongs into {' or '.join(f'[{section}]' if section else 'the top' for section in elsewhere)}"
    return f"known here: {', '.join(here)}" if here else "remove it"


def _places(model: type[pydantic.BaseModel], above: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Path of every key that there is."""
    places: list[tuple[str, ...]] = []
    for name in model.model_fields:
        places.append((*above, name))
        if section := _section(model, name):
            places += _places(section, (*above, name))
    return places


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a number with too many digits to print
        return "a very long number"
    return text if len(text) <= _FOUND_CHARS else text[:_FOUND_CHARS] + "..."
