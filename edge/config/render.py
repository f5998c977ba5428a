"""A configuration as TOML: every value that holds, or a file to start from in which each key is explained."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.config.load import NONE
from edge.config.models import Config

WIDTH: Final = 118


def effective(config: Config) -> str:
    """Every value that holds, sections in the order of the models."""
    lines: list[str] = []
    for header, model in _sections(config):
        lines += ["", f"[{header}]"] if header else []
        lines += [f"{name} = {toml(value)}" for name, value in _values(model)]
    return "\n".join(lines).strip() + "\n"


def annotated(config: Config | None = None) -> str:
    """A file to edit: each key with its meaning; those at their defaults are commented out.

    Args:
        config: whose settings are written out; None takes the defaults.
    """
    config = config or Config()
    lines = ['# Configuration of `latx-edge run`. Keys that are commented out show their defaults, which hold.',
             f"# \"{NONE}\" switches off what may be absent.",
             f"version = {config.version}"]
    for header, model in _sections(config, with_absent=True):
        if not header:
            continue
        absent = isinstance(model, type)
        shown = model.model_construct() if isinstance(model, type) else model
        lines += ["", *_comment(_first_sentence(type(shown))), f"{'#' if absent else ''}[{header}]"]
        for name, value in _values(shown):
            field = type(shown).model_fields[name]
            same = absent or value == field.get_default(call_default_factory=True)
            lines += [*_comment(_explained(field)), f"{'#' if same else ''}{name} = {toml(value)}"]
    return "\n".join(lines) + "\n"


def toml(value: Any) -> str:
    """A scalar, a list of scalars or None as TOML."""
    if value is None:
        value = NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, (str, Path)):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"a configuration holds no {type(value).__name__}")


def _sections(config: Config, with_absent: bool = False) -> list[tuple[str, BaseModel | type[BaseModel]]]:
    """Header and model of every section, the top first; an absent one, where wanted, as its class."""
    found: list[tuple[str, BaseModel | type[BaseModel]]] = []

    def walk(header: str, model: BaseModel | type[BaseModel]) -> None:
        found.append((header, model))
        for name, field in (model if isinstance(model, type) else type(model)).model_fields.items():
            value = None if isinstance(model, type) else getattr(model, name)
            section = next((k for k in (field.annotation, *get_args(field.annotation)) if _is_section(k)), None)
            if section is not None and (value is not None or with_absent):
                walk(f"{header}.{name}".lstrip("."), section if value is None else value)

    walk("", config)
    return found


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _values(model: BaseModel | type[BaseModel]) -> list[tuple[str, Any]]:
    """Fields that are no section, with their values."""
    fields = (model if isinstance(model, type) else type(model)).model_fields
    plain = [name for name, field in fields.items()
             if not any(_is_section(k) for k in (field.annotation, *get_args(field.annotation)))]
    return [(name, getattr(model, name)) for name in plain]


def _explained(field: FieldInfo) -> str:
    choices = [option for kind in (field.annotation, *get_args(field.annotation)) if get_origin(kind) is Literal
               for option in get_args(kind)]
    said = field.description or ""
    listed = f"One of {', '.join(map(toml, choices))}." if len(choices) > 1 else ""
    return " ".join(filter(None, [said, listed]))


def _first_sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 2, break_on_hyphens=False)]
