"""Where the settings come from. They are read once, at the start.

There are three places, and the first that names a setting wins: a flag (`--ping-interval=10`), a variable
(`PARLEY_PING_INTERVAL=10`), a line of the file that `--config` names (TOML: `ping_interval = 10`).
"""

import argparse
import math
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from settings import SECRETS, Settings, SettingsError

PREFIX = "PARLEY_"


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of `arguments` (without the program's name) and `environment`; raises SettingsError.

    `--help` prints every setting and exits.
    """
    flags = vars(_parser().parse_args(arguments))
    variables = _variables(environment)
    files = flags.pop("config", None), variables.pop("config", None)
    file = files[0] or files[1]
    values: dict[str, tuple[str, Any]] = {}
    for source in (_file(file) if file else {}, variables, flags):
        values |= {name: (label, value) for name, (label, value) in _labelled(source)}
    return Settings(**{name: _cast(name, label, value) for name, (label, value) in values.items()})


def _labelled(source: Mapping[str, Any]) -> list[tuple[str, tuple[str, Any]]]:
    """Name, and where it was found with its value, for every setting that the source gives."""
    return [(name, found if isinstance(found, tuple) else (_flag(name), found)) for name, found in source.items()]


def _variables(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name == "config":
            found[name] = value
        else:
            _known(name, variable)
            found[name] = (variable, value)
    return found


def _file(path: str) -> dict[str, Any]:
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--config={path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"--config={path}: not a TOML file: {error}") from None
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        label = f"{path}: {key}"
        _known(name, label)
        found[name] = (label, value)
    return found


def _known(name: str, label: str) -> None:
    if name not in Settings.__struct_fields__:
        raise SettingsError(f"{label}: no such setting; --help lists them all")


def _cast(name: str, label: str, value: Any) -> Any:
    kind = typing.get_type_hints(Settings, include_extras=True)[name]
    try:
        cast = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        shown = "" if name in SECRETS else f" (the value is {value!r})"
        raise SettingsError(f"{label}: {error}{shown}".replace("`", "")) from None
    if isinstance(cast, float) and not math.isfinite(cast):
        raise SettingsError(f"{label}: a finite number is needed (the value is {value!r})")
    return cast


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; --help lists every setting")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="server.py",
        description="Parley: a chat server.",
        epilog=f"Each setting can also be given as a variable ({PREFIX}PORT=9000) or in the file of --config "
        "(port = 9000). A flag wins over a variable, a variable over the file.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    hints = typing.get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        text = next(part for part in hints[field.name].__metadata__ if isinstance(part, str))
        shown = f" [{field.default}]" if field.default != "" else ""
        parser.add_argument(
            _flag(field.name),
            metavar=field.name.rpartition("_")[2].upper(),
            help=(text + shown).replace("%", "%%"),
        )
    return parser
