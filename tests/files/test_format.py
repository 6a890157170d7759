"""`fmt`: one layout, the same meaning, every comment still there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.format import CannotFormat, formatted
from reconciler.files.yaml import parse

SAMPLES = sorted((Path(__file__).parents[2] / "policies").rglob("*.yaml"))


def fmt(text: str) -> str:
    return formatted(text.encode(), "a.yaml")


def said(text: str) -> object:
    documents, problems = parse(text.encode(), "a.yaml")
    assert problems == []
    return [document.value for document in documents]


def comments(text: str) -> list[str]:
    return sorted(re.findall(r"(?:^|\s)#\s?(.*?)\s*$", text, re.MULTILINE))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_sample_is_in_the_layout(path: Path) -> None:
    assert formatted(path.read_bytes(), str(path)) == path.read_text()


def test_what_it_does() -> None:
    text = """\
# the head

policies:
# about cors
- policyRef: {name: cors}   # here
  config:
        maxAge:   30


        # inside
        publicResource: true
# about the api
api: {asset: orders-api}
kind: ApiInstance
apiVersion: reconciler/v1
"""
    assert (
        fmt(text)
        == """\
# the head

apiVersion: reconciler/v1
kind: ApiInstance
# about the api
api: {asset: orders-api}
policies:
# about cors
  - policyRef: {name: cors} # here
    config:
      maxAge: 30

        # inside
      publicResource: true
"""
    )


STYLES = st.fixed_dictionaries(
    {
        "indent": st.integers(1, 8),
        "dash": st.booleans(),
        "gap": st.integers(0, 4),
        "tail": st.sampled_from(["", " ", "\t", "  # why"]),
        "end": st.sampled_from(["", "\n", "\n\n\n", "\r\n"]),
        "order": st.permutations(
            ["kind: ApiInstance", "apiVersion: reconciler/v1", "api: {id: 1}"]
        ),
    }
)
SCALARS = st.sampled_from(
    [
        "1.10",
        "no",
        "'no'",
        '"on"',
        "0123",
        "1:30",
        "~",
        "null",
        "1e3",
        "0x1F",
        "a b",
        "'a: b'",
    ]
)


@given(STYLES, st.lists(SCALARS, min_size=1, max_size=6))
def test_any_layout_comes_to_the_same_and_says_what_it_said(style: dict, scalars: list) -> None:  # type: ignore[type-arg]
    pad = " " * style["indent"]
    lead = pad if style["dash"] else ""
    gap = "\n" * style["gap"]
    values = "".join(
        f"{lead}    {pad}k{n}: {v}{style['tail']}\n{gap}" for n, v in enumerate(scalars)
    )
    policies = f"policies:\n# c1\n{lead}-   policyRef: {{name: cors}}\n{lead}    config:\n{values}"
    head = "".join(f"# about {line.partition(':')[0]}\n{line}\n" for line in style["order"])
    text = f"{head}{policies}{style['end']}"
    once = fmt(text)
    assert fmt(once) == once
    assert said(once) == said(text)
    assert comments(once) == comments(text)
    assert "\r" not in once and not re.search(r"[ \t]$", once, re.MULTILINE)
    assert "\n\n\n" not in once and once.endswith("\n") and not once.endswith("\n\n")
    assert once.splitlines()[1] == "apiVersion: reconciler/v1" or once.startswith("# about")


def test_several_documents_and_a_long_line_stay() -> None:
    long = "x" * 300
    text = (
        f"apiVersion: reconciler/v1\nkind: ApiInstance\ndescription: {long} {long}\n---\nkind: X\n"
    )
    assert fmt(text) == text


def test_a_number_keeps_its_spelling() -> None:
    assert fmt("kind: X\na:\n    b: +1\n") == "kind: X\na:\n    b: +1\n"


def test_text_in_blocks_is_not_touched() -> None:
    text = "kind: X\ndescription: |\n  one  \n\n\n\n  two\n"
    assert fmt(text) == text
    assert fmt("description: |\n  one  \n\n\n\n  two\nkind:   X\n") == "kind: X\n" + text[8:]


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "\x00", "a: !!python/object:x {}"])
def test_what_cannot_be_read_is_left_alone(text: str) -> None:
    with pytest.raises(CannotFormat, match="a.yaml:1|a.yaml"):
        fmt(text)
