"""`${env:NAME}` and `${file:PATH}` in the strings of `config` and `auth`; `$${` is a literal `${`.

Resolving never raises for bad content, and no message holds a value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from reconciler.core.redact import Secret
from reconciler.errors import Problem
from reconciler.files.tree import read_regular
from reconciler.files.yaml import Map, Place, Seq

_REFUSED = ("ANYPOINT_", "SALESFORCE_", "RECONCILER_", "GITHUB_", "ACTIONS_", "CI_", "AWS_")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_KERNEL = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))


class _Malformed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Reference:
    kind: str
    name: str

    def __str__(self) -> str:
        return f"${{{self.kind}:{self.name}}}"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a string stands for: itself, or a `Secret` where it holds a reference."""

    value: Any
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def escape(text: str) -> str:
    """The text as a file must hold it to mean just this text."""
    return text.replace("${", "$${")


def is_refused_variable(name: str) -> bool:
    """Whether it is a variable that configurations may not name."""
    return name.upper().startswith(_REFUSED)


def has_reference(text: str) -> bool:
    """Whether the text holds a `${` that is not a literal one, well formed or not."""
    return "${" in text and any(token.group() != "$${" for token in _TOKEN.finditer(text))


def _parts(text: str) -> Iterator[str | _Reference]:
    end = 0
    for token in _TOKEN.finditer(text):
        yield text[end : token.start()]
        yield "${" if token.group() == "$${" else _reference(token)
        end = token.end()
    yield text[end:]


def _reference(token: re.Match[str]) -> _Reference:
    if token.group(1) is None:
        raise _Malformed("the ${ is not closed")
    kind, colon, name = token.group(1).partition(":")
    if not colon or kind not in ("env", "file"):
        # Not shown: it may be part of a password that happens to hold a `${`.
        raise _Malformed("there is a ${...} that is no reference")
    if kind == "env" and not _NAME.fullmatch(name):
        raise _Malformed(f"{token.group()} names no variable")
    if kind == "file" and (not name.strip() or not name.isprintable()):
        raise _Malformed(f"{token.group()!r} names no file")
    return _Reference(kind, name)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Gives references their values, within the limits of what files may ask for.

    environ: the environment; never shown. cwd: the working directory. state_dir: the state
    folder, never readable. offline: nothing is looked up, every reference is unknown.
    """

    environ: Mapping[str, str] = field(repr=False)
    cwd: Path
    state_dir: Path
    offline: bool = False
    read_file: Callable[[Path], bytes] = read_regular

    def check(
        self, text: str, file: str, at: Place, path: str, *, auth: bool = False
    ) -> tuple[Problem, ...]:
        """What is wrong with the references in a text, looking nothing up."""
        try:
            parts = [part for part in _parts(text) if isinstance(part, _Reference)]
        except _Malformed as error:
            hint = "write ${env:NAME} or ${file:PATH}; $${ is a literal ${"
            return (Problem(file, *at, path, str(error), hint),)
        faults = (self._fault(part, file, auth) for part in parts)
        return tuple(Problem(file, *at, path, *fault) for fault in faults if fault)

    def resolve(
        self, text: str, file: str, at: Place, path: str, *, auth: bool = False
    ) -> Resolved:
        """The value of a string of `file`; `path` is its place in the document, for messages.

        An unset or empty variable, or a missing file, makes it unknown, with a warning.
        """
        if "${" not in text:
            return Resolved(text)
        problems = self.check(text, file, at, path, auth=auth)
        if problems:
            return Resolved(Secret(), problems)
        parts = list(_parts(text))
        if all(isinstance(part, str) for part in parts):
            return Resolved("".join(map(str, parts)))
        if self.offline:
            return Resolved(Secret(None, text))
        where = f"{file}:{at[0]}:{at[1]}"
        return self._join(parts, text, Problem(file, *at, path), where)

    def resolve_auth(self, auth: Mapping[str, Any], file: str, at: Place = (1, 1)) -> Resolved:
        """The `auth` of an organization with each reference replaced; literals become Secrets."""
        problems: list[Problem] = []
        warnings: list[str] = []
        values: dict[str, Any] = {}
        places = auth.value_at if isinstance(auth, Map) else {}
        for key, value in auth.items():
            if not isinstance(value, str):
                values[key] = value
                continue
            found = self.resolve(value, file, places.get(key, at), f"auth.{key}", auth=True)
            problems += found.problems
            warnings += found.warnings
            is_plain = isinstance(found.value, str)
            values[key] = Secret(found.value) if is_plain else found.value
        return Resolved(values, tuple(problems), tuple(warnings))

    def _join(
        self, parts: list[str | _Reference], text: str, problem: Problem, where: str
    ) -> Resolved:
        pieces: list[str] = []
        warnings: list[str] = []
        for part in parts:
            try:
                pieces.append(part if isinstance(part, str) else self._look_up(part, problem.file))
            except _Unknown as error:
                warnings.append(f"{where}: {problem.path}: {error}, so the value is not known")
            except _Unfit as error:
                broken = replace(problem, message=f"{part} {error}")
                return Resolved(Secret(None, text), (broken,), tuple(warnings))
        value = None if warnings else "".join(pieces)
        return Resolved(Secret(value, text), (), tuple(warnings))

    def _look_up(self, reference: _Reference, file: str) -> str:
        if reference.kind == "file":
            return self._content(reference, file)
        value = self.environ.get(reference.name, "")
        if not value:
            raise _Unknown(f"the variable {reference.name} is not set")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Unfit("is not UTF-8") from None
        return value

    def _content(self, reference: _Reference, file: str) -> str:
        try:
            data = self.read_file(self._real(reference.name, file))
        except FileNotFoundError:
            raise _Unknown(f"the file {reference.name} does not exist") from None
        except OSError as error:
            raise _Unfit(f"cannot be read: {error.strerror or error}") from None
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise _Unfit("is not UTF-8") from None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise _Unknown(f"the file {reference.name} is empty")
        return text

    def _fault(self, reference: _Reference, file: str, auth: bool) -> tuple[str, str] | None:
        if reference.kind == "file":
            return self._file_fault(reference, file)
        if auth:
            return None
        if is_refused_variable(reference.name):
            hint = f"{', '.join(prefix + '*' for prefix in _REFUSED)} stay out of configurations"
            return f"the variable {reference.name} may not be used here", hint
        allowed = self.environ.get("RECONCILER_ENV_ALLOW")
        globs = re.split(r"[\s,]+", allowed.strip()) if allowed is not None else ["*"]
        if any(fnmatchcase(reference.name, glob) for glob in globs):
            return None
        return f"RECONCILER_ENV_ALLOW does not allow the variable {reference.name}", ""

    def _file_fault(self, reference: _Reference, file: str) -> tuple[str, str] | None:
        try:
            real = self._real(reference.name, file)
            cwd, state = self.cwd.resolve(), self.state_dir.resolve()
            granted = any(real.is_relative_to(folder) for folder in self._secret_dirs())
        except (OSError, RuntimeError, ValueError):
            return f"the file {reference.name} cannot be looked up", ""
        is_inside = real.is_relative_to(cwd)
        parts = real.relative_to(cwd).parts if is_inside else real.parts
        is_git = any(part.lower() == ".git" for part in parts)
        is_kernel = not granted and any(real.is_relative_to(folder) for folder in _KERNEL)
        if is_git or is_kernel or real.is_relative_to(state):
            return f"the file {reference.name} is none that a configuration may read", ""
        if is_inside or granted:
            return None
        hint = "keep it below the working directory, or name its folder in RECONCILER_SECRET_DIRS"
        return f"the file {reference.name} lies outside of the working directory", hint

    def _real(self, name: str, file: str) -> Path:
        return Path(os.path.realpath(self.cwd / Path(file).parent / name))

    def _secret_dirs(self) -> list[Path]:
        named = self.environ.get("RECONCILER_SECRET_DIRS", "").split(os.pathsep)
        return [(self.cwd / folder).resolve() for folder in named if folder]


class _Unknown(Exception):
    """There is no value: the field becomes unknown."""


class _Unfit(Exception):
    """There is a value that cannot be used."""


def strings(value: Any, path: str, at: Place) -> Iterator[tuple[str, str, Place]]:
    """Every string in a value that came from a file, with its path and place."""
    if isinstance(value, str):
        yield value, path, at
    elif isinstance(value, Map):
        for key, item in value.items():
            yield from strings(item, f"{path}.{key}" if path else key, value.value_at[key])
    elif isinstance(value, Seq):
        for index, item in enumerate(value):
            yield from strings(item, f"{path}[{index}]", value.item_at[index])
