from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.yaml import Map, Seq, number_text, parse, place
from tests.files.builders import a_map

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=20,
)
YAMLISH = st.text(st.sampled_from("a1:-[]{}&*!|>'\"%@`#,? \n\t\r\u0085\u2028\ufeff\x00~<."))


def problem(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    (found,) = parse(data, "f.yaml")[1]
    assert str(found).isprintable()
    return str(found)


@given(st.binary() | YAMLISH.map(str.encode) | st.text().map(lambda t: t.encode(errors="replace")))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    _, problems = parse(data, "f.yaml")
    assert all(one.line > 0 and one.column > 0 and "\n" not in str(one) for one in problems)


@given(VALUES)
def test_a_quoted_value_comes_back_equal(value: Any) -> None:
    text = yaml.safe_dump(value, default_style='"', sort_keys=False)
    documents, problems = parse(text.encode(), "f.yaml")
    assert problems == []
    assert [document.value for document in documents] == [value]


def places(value: Any) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    if isinstance(value, Map):
        for key, item in value.items():
            found += [value.key_at[key], *(places(item) or [value.value_at[key]])]
    elif isinstance(value, Seq):
        for index, item in enumerate(value):
            found += places(item) or [value.item_at[index]]
    return found


@given(VALUES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_places_are_where_a_text_editor_counts_them(value: Any, end: str, mark: str) -> None:
    # A long key is written as `? "key"`, whose place is that of the key all the same.
    text = yaml.safe_dump(value, default_style='"', width=10**6)
    ((document,), _) = parse((mark + text.replace("\n", end)).encode(), "f.yaml")
    lines = text.split("\n")
    assert all(lines[line - 1][column - 1] in '"[{' for line, column in places(document.value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    found = a_map(f"a: {text}")["a"]
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize("text", ["1.10", "0123", "0x1F", "1e3", "12", "+5"])
def test_a_number_keeps_its_text(text: str) -> None:
    assert number_text(a_map(f"a: {text}")["a"]) == text


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "-1e999"])
def test_a_number_that_json_cannot_hold_is_refused(text: str) -> None:
    words = "f.yaml:1:4: this is no number that a service takes (quote it)"
    assert problem(f"a: {text}") == words


@pytest.mark.parametrize("text", ["*hunter2", "!hunter2", "!<hunter2> x", "1hunter2: x"])
def test_a_password_that_starts_like_yaml_is_not_shown(text: str) -> None:
    assert "hunter2" not in problem(f"password: {text}")


def test_a_long_key_is_refused() -> None:
    assert (
        problem("k" * 501 + ": 1") == "f.yaml:1:1: a key of more than 500 characters (shorten it)"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" + "1," * 30_000 + "]", "a document of more than 30,000 values (split it)"),
        (("---\n[" + "1," * 27_000 + "]\n") * 3, "a file of more than 80,000 values (split it)"),
        ('a: &a "' + "x" * 900_000 + '"\nb: [*a, *a]', "expand without measure"),
    ],
)
def test_values_are_counted(text: str, words: str) -> None:
    assert words in problem(text)


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "\ta: 1"])
def test_tabs_are_named(text: str) -> None:
    assert "indent with spaces, not with tabs" in problem(text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: 1\nb: x\x00y\n", "f.yaml:2:5: not YAML: the character U+0000 is not allowed"),
        (b"a: 1\r\nb: \x07", "f.yaml:2:4: not YAML: the character U+0007 is not allowed"),
        ("é: 1\nä: é\x7f".encode(), "f.yaml:2:5: not YAML: the character U+007F is not allowed"),
        ("a: 1".encode("utf-16"), "f.yaml:1:1: not UTF-8 but UTF-16 or 32 (save the file as"),
        ("a: 1".encode("utf-16-le"), "f.yaml:1:1: not UTF-8 but UTF-16 or 32"),
        ("a: 1".encode("utf-16-be"), "f.yaml:1:1: not UTF-8 but UTF-16 or 32"),
        ("a: 1".encode("utf-32"), "f.yaml:1:1: not UTF-8 but UTF-16 or 32"),
        ("a: 1\nb: é".encode("latin-1"), "f.yaml:2:1: not UTF-8 (save the file as UTF-8)"),
        (b"\xef\xbb\xbfa: 1\na: 2", "f.yaml:2:1: the key 'a' is already set on line 1"),
        (b"a: 1\r\nb: 2\r\na: 3\r\n", "f.yaml:3:1: the key 'a' is already set on line 1"),
        (b"a: @x", "f.yaml:1:4: not YAML: found character that cannot start any token (quote"),
        (b"a: 'x\n\n", "f.yaml:1:4: not YAML: found unexpected end of stream"),
        (b"a: [1, 2\n\n", "f.yaml:1:4: not YAML: did not find expected ',' or ']'"),
        (b"a: b: c", "f.yaml:1:5: not YAML: mapping values are not allowed"),
        (b"a: *x", "f.yaml:1:4: this alias has no anchor"),
        (b"a: &x [*x]", "f.yaml:1:8: this alias has no anchor"),
        (b"<<: {a: 1}", "f.yaml:1:1: the merge key << is not supported"),
        (b"[a]: 1", "f.yaml:1:1: a key must be text"),
        (b"a: !!python/name:os.system x", "f.yaml:1:4: tags are not"),
        (b"[" * 500, "f.yaml:1:52: nested deeper than 50 levels"),
        (b"{a: " * 500, "f.yaml:1:205: nested deeper than 50 levels"),
        (b"#" * (1024 * 1024 + 1), "f.yaml: the file has 1,048,577 bytes"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(data: bytes, expected: str) -> None:
    assert problem(data).startswith(expected)


def test_a_quoted_merge_key_is_plain_text() -> None:
    assert a_map("'<<': 1") == {"<<": 1}


def test_a_long_scalar_is_kept_whole() -> None:
    long = "x" * 900_000
    assert a_map(f"a: {long}\nb: '{long[:9]}'") == {"a": long, "b": long[:9]}


def test_a_long_row_of_digits_is_text() -> None:
    assert a_map(f"a: {'9' * 5000}")["a"] == "9" * 5000


def test_aliases_are_copies() -> None:
    value = a_map("a: &x {k: [1]}\nb: *x")
    value["b"]["k"].append(2)
    assert value == {"a": {"k": [1]}, "b": {"k": [1, 2]}}


def test_aliases_are_bounded() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "expand without measure" in problem("l0: &l0 [lol]\n" + "\n".join(levels))


def test_documents_before_a_broken_one_are_kept() -> None:
    documents, problems = parse(b"a: 1\n---\n---\nb: [\n", "f.yaml")
    assert [document.value for document in documents] == [{"a": 1}]
    assert problems[0].line == 5


def test_the_place_of_a_path_is_that_of_its_last_known_part() -> None:
    value = a_map("a:\n  - b: 1\n    c: 2")
    assert place(value, ["a", 0, "c"]) == (3, 8)
    assert place(value, ["a", 0, "c"], of_key=True) == (3, 5)
    assert place(value, ["a", 0, "x", "y"]) == (2, 5)
    assert place(value, ["a", 7]) == (2, 3)


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- "])
def test_what_is_nested_beyond_measure_is_refused(opening: bytes) -> None:
    """libyaml may refuse it first, in its own words."""
    assert "nest" in problem(opening * 200_000)
