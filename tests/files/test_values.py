from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.redact import Secret
from reconciler.files.values import Resolved, Resolver, escape, has_reference
from tests.files.builders import a_map, a_resolver

AT = (3, 5)


def resolved(resolver: Resolver, text: str, file: str = "policies/a.yaml") -> Resolved:
    return resolver.resolve(text, file, AT, "config.a")


def fault(resolver: Resolver, text: str, *, auth: bool = False) -> str:
    problems = resolver.check(text, "policies/a.yaml", AT, "config.a", auth=auth)
    return "\n".join(map(str, problems))


@given(st.text(alphabet=st.sampled_from("$${}ab:") | st.characters()))
def test_escaped_text_means_itself(text: str) -> None:
    assert resolved(a_resolver(), escape(text)) == Resolved(text)


@given(st.text(alphabet=st.sampled_from("$${}:envfil/.A")))
def test_no_text_makes_it_fail(text: str) -> None:
    found = resolved(a_resolver(), text)
    assert isinstance(found.value, Secret) == has_reference(text)


def test_a_variable_becomes_a_secret_with_its_reference() -> None:
    found = resolved(a_resolver(environ={"KEY": "hunter2"}), "${env:KEY}")
    assert found == Resolved(Secret("hunter2", "${env:KEY}"))
    assert "hunter2" not in repr(found)


def test_text_around_a_reference_is_secret_too() -> None:
    found = resolved(a_resolver(environ={"A": "1", "B": "2"}), "x${env:A}-$${env:A}-${env:B}")
    assert found.value == Secret("x1-${env:A}-2", "x${env:A}-$${env:A}-${env:B}")


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}])
def test_an_unset_variable_is_unknown_with_a_warning(environ: dict[str, str]) -> None:
    found = resolved(a_resolver(environ=environ), "${env:KEY}")
    assert found.value == Secret(None, "${env:KEY}")
    assert found.warnings == (
        "policies/a.yaml:3:5: config.a: the variable KEY is not set, so the value is not known",
    )


def test_offline_nothing_is_looked_up() -> None:
    def never(path: Path) -> bytes:
        raise AssertionError(path)

    resolver = Resolver({"KEY": "x"}, Path("/w"), Path("/w/.reconciler"), True, never)
    assert resolved(resolver, "${env:KEY}") == Resolved(Secret(None, "${env:KEY}"))
    assert resolved(resolver, "${file:a.key}") == Resolved(Secret(None, "${file:a.key}"))


@pytest.mark.parametrize(
    "name",
    [
        "ANYPOINT_CLIENT_SECRET",
        "SALESFORCE_X",
        "RECONCILER_SECRET_KEY",
        "GITHUB_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "CI_JOB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "aws_secret_access_key",
    ],
)
@pytest.mark.parametrize("offline", [True, False])
def test_a_reserved_variable_is_refused_outside_of_auth(name: str, offline: bool) -> None:
    resolver = a_resolver(environ={name: "hunter2"}, offline=offline)
    found = resolved(resolver, f"a ${{env:{name}}}")
    assert f"the variable {name} may not be used here" in str(found.problems[0])
    assert found.value == Secret()
    assert fault(resolver, f"${{env:{name}}}", auth=True) == ""


@pytest.mark.parametrize(
    ("allowed", "name", "is_allowed"),
    [
        ("PARTNER_*", "PARTNER_KEY", True),
        ("PARTNER_*, ORDERS_*", "ORDERS_KEY", True),
        ("PARTNER_*", "ORDERS_KEY", False),
        ("partner_*", "PARTNER_KEY", False),
        ("*", "AWS_KEY", False),
        ("", "PARTNER_KEY", False),
    ],
)
def test_the_allow_list_narrows_further(allowed: str, name: str, is_allowed: bool) -> None:
    resolver = a_resolver(environ={"RECONCILER_ENV_ALLOW": allowed})
    assert (fault(resolver, f"${{env:{name}}}") == "") is is_allowed


@pytest.mark.parametrize(
    "text",
    ["${env:}", "${env:A B}", "${env:1A}", "${file:}", "${file: }", "${foo:x}", "${env}", "${",
     "a ${env:A", "${env:${env:A}}", "${file:a\x00b}", "$${a} ${"],
)  # fmt: skip
def test_a_malformed_reference_is_refused_with_its_place(text: str) -> None:
    assert fault(a_resolver(), text).startswith("policies/a.yaml:3:5: config.a: ")


def test_a_password_with_a_dollar_brace_is_not_shown() -> None:
    found = resolved(a_resolver(), "hun${ter2}")
    assert "ter2" not in str(found)


def secret_file(root: Path, name: str, content: bytes = b"hunter2\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"hunter2\n", "hunter2"), (b"hunter2\r\n", "hunter2"), (b"a\nb\n\n", "a\nb\n")],
)
def test_a_file_is_read_beside_the_yaml_file(tmp_path: Path, content: bytes, value: str) -> None:
    secret_file(tmp_path, "policies/keys/a.key", content)
    found = resolved(a_resolver(tmp_path), "${file:keys/a.key}")
    assert found == Resolved(Secret(value, "${file:keys/a.key}"))


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_a_missing_or_empty_file_is_unknown_with_a_warning(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        secret_file(tmp_path, "policies/a.key", content)
    found = resolved(a_resolver(tmp_path), "${file:a.key}")
    assert found.value == Secret(None, "${file:a.key}")
    assert "so the value is not known" in found.warnings[0]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (1024 * 1024 + 1)])
def test_a_file_that_cannot_be_used_is_a_problem(tmp_path: Path, content: bytes) -> None:
    secret_file(tmp_path, "policies/a.key", content)
    found = resolved(a_resolver(tmp_path), "${file:a.key}")
    assert len(found.problems) == 1
    assert found.value == Secret(None, "${file:a.key}")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "../outside.key",
        "../.git/config",
        "../.GIT/config",
        "../.reconciler/key",
        "../sub/.git/config",
        "/proc/self/environ",
        "link.key",
    ],
)
def test_a_file_out_of_bounds_is_refused(tmp_path: Path, name: str) -> None:
    work = tmp_path / "work"
    for each in ("outside.key", "work/.git/config", "work/.reconciler/key"):
        secret_file(tmp_path, each)
    (work / "policies").mkdir()
    (work / "policies/link.key").symlink_to(tmp_path / "outside.key")
    name = name.replace("../outside", "../../outside")
    found = resolved(a_resolver(work), f"${{file:{name}}}")
    assert len(found.problems) == 1
    assert not found.value.is_known


def test_the_environment_of_the_process_is_no_file_even_in_the_root_folder() -> None:
    resolver = Resolver({}, Path("/"), Path("/state"))
    assert "none that a configuration may read" in fault(resolver, "${file:/proc/self/environ}")


def test_a_secret_folder_is_readable(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "run/secrets/a.key")
    environ = {"RECONCILER_SECRET_DIRS": f"/nowhere:{path.parent}"}
    found = resolved(a_resolver(tmp_path / "work", environ), f"${{file:{path}}}")
    assert found.value == Secret("hunter2", f"${{file:{path}}}")


def test_a_variable_that_is_not_utf_8_is_a_problem_without_its_value() -> None:
    found = resolved(a_resolver(environ={"KEY": "hunter2\udcff"}), "${env:KEY}")
    assert "${env:KEY} is not UTF-8" in str(found.problems[0])
    assert "hunter2" not in str(found)


def test_auth_is_resolved_and_wrapped() -> None:
    auth = a_map("{clientId: abc, clientSecret: '${env:AWS_X}'}")
    found = a_resolver(environ={"AWS_X": "hunter2"}).resolve_auth(auth, "o.yaml")
    assert found.value == {
        "clientId": Secret("abc"),
        "clientSecret": Secret("hunter2", "${env:AWS_X}"),
    }


def test_a_resolver_does_not_show_the_environment() -> None:
    assert "hunter2" not in repr(a_resolver(environ={"KEY": "hunter2"}))
