"""Secrets that can be told from all other text, and every form in which they could come out."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

# What matters to one encoding or another, and to those who take text apart.
_TAIL = "\"'+/=%\\é✓ <&>#@:x"
_TOKEN_TAIL = "+/=%'\"&<x"
_PEM_LINES = 4


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret under the name of the place where it was put."""

    name: str
    text: str


def a_canary(name: str) -> Canary:
    """Unique text with quotes, percent, backslash, base64's own characters and non-ASCII."""
    return Canary(name, f"cnry{_mark(name)}{_TAIL}{_mark(name)[::-1]}")


def a_token(name: str) -> Canary:
    """The same of characters that a header can hold."""
    return Canary(name, f"cnry{_mark(name)}{_TOKEN_TAIL}{_mark(name)[::-1]}")


def a_plain(name: str) -> Canary:
    """Letters and digits alone, for places that take no more, such as the password of a URL."""
    return Canary(name, f"cnry{_mark(name)}{_mark(name)[::-1]}")


def a_pem(name: str) -> Canary:
    """Several lines, each of which is a secret as well."""
    lines = [base64.b64encode(f"{_mark(name)}{n}".encode() * 4).decode() for n in range(_PEM_LINES)]
    text = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])
    return Canary(name, text)


def _mark(name: str) -> str:
    return "".join(f"{ord(char):03d}" for char in name)[-18:].translate(_LETTERS)


_LETTERS = str.maketrans("0123456789", "QkZvXwJqYg")


def written(canary: Canary) -> dict[str, str]:
    """Form -> text as a service could write it, base64 among other bytes that were encoded."""
    found = {name: text for name, text in forms(canary).items() if "base64" not in name}
    for before in range(3):
        data = b"u:"[:before] + canary.text.encode() + b"\r\n"
        found[f"base64 at {before}"] = base64.b64encode(data).decode()
        found[f"base64url at {before}"] = base64.urlsafe_b64encode(data).decode()
    return found


def forms(canary: Canary) -> dict[str, str]:
    """Form -> text to look for, by the standard library alone: it must not be made by what hides
    it."""
    text = canary.text
    data = text.encode()
    found = {
        "plain": text,
        "one line": " ".join(text.split()),
        "json": json.dumps(text)[1:-1],
        "json, not ascii": json.dumps(text, ensure_ascii=False)[1:-1],
        "json in json": json.dumps(json.dumps(text))[3:-3],
        "url": quote(text),
        "url, all": quote(text, safe=""),
        "form": quote_plus(text),
        "html": html.escape(text),
        "repr": repr(text)[1:-1],
        "ascii": ascii(text)[1:-1],
        "bytes": repr(data)[2:-1],
        "hex": data.hex(),
        "hex, capitals": data.hex().upper(),
    }
    for before in range(3):
        padded = b"\0" * before + data
        cut = slice(4 if before else 0, len(padded) // 3 * 4)
        found[f"base64 at {before}"] = base64.b64encode(padded).decode()[cut]
        found[f"base64url at {before}"] = base64.urlsafe_b64encode(padded).decode()[cut]
    lines = [line for line in text.split("\n") if "KEY--" not in line]
    if len(lines) > 1:
        found |= {f"line {number}": line for number, line in enumerate(lines)}
    return found


def leaks(text: str, canaries: list[Canary]) -> list[str]:
    """Which secrets are in the text, and in which form; nothing where none is."""
    small = text.lower()
    return [
        f"{canary.name} ({form})"
        for canary in canaries
        for form, shape in forms(canary).items()
        if shape.lower() in small
    ]


def texts_below(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its name in front: a name could hold a secret too."""
    return {
        str(path.relative_to(folder)): f"{path.name}\n"
        + path.read_bytes().decode("utf-8", "replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
