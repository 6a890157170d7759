from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.expressions import imbalance, is_wrapped


@pytest.mark.parametrize(
    "text",
    [
        "#[attributes.headers['x-forwarded-for']]",
        "#[payload.items[0].name]",
        "#['a ] in a text']",
        '#["a \\" b"]',
        '#["hello $(payload.name default "you") there"]',
        "#[attributes.requestPath matches /\\/orders\\/\\(.*/]",
        "#[10 / (2 + 3)]",
        "#[/* ) */ 1]",
        "#[1 // ]\n]",
        "#[{a: [1, {b: (2)}]}]",
        " #[attributes.method] ",
    ],
)
def test_sound_expression_passes(text: str) -> None:
    assert is_wrapped(text)
    assert imbalance(text) is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("#[headers['a']", "a [ is never closed", "add ]"),
        ("#[(a]", "a ( is never closed", "add )"),
        ("#[a]]", "a ] closes nothing", "remove it, or open it with ["),
        ("#[{a: 1)]", "a ) stands where } closes {", "add } before it"),
        ("#['a]", "a text that starts with ' has no end", "add ' at its end"),
        ('#["$(a]', "a ( is never closed", "add )"),
        ("#[a / (b]", "a ( is never closed", "add )"),
    ],
)
def test_imbalance_says_what_to_add(text: str, message: str, hint: str) -> None:
    assert imbalance(text) == (message, hint)


@pytest.mark.parametrize("text", ["attributes.method", "#[", "#[]", "#[a", "[a]", ""])
def test_text_without_a_wrapper_is_told_apart(text: str) -> None:
    assert not is_wrapped(text)


@given(st.text("#[](){}'\"`/\\$*\n a", max_size=30))
def test_no_text_raises(text: str) -> None:
    imbalance(f"#[{text}]")


@given(
    st.recursive(st.just("a"), lambda inner: inner.map("({0})".format) | inner.map("[{0}]".format))
)
def test_whatever_is_nested_well_passes(code: str) -> None:
    assert imbalance(f"#[{code}]") is None
    assert imbalance(f"#[({code}]")
