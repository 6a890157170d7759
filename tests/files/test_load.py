from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.model import MULESOFT_GROUP, ResourceKey
from reconciler.core.project import ApiSelector, Project
from reconciler.errors import PolicyError
from reconciler.files.load import load
from tests.files.builders import (
    API,
    ENVIRONMENT,
    GROUP,
    ORGANIZATION,
    StandInSchemas,
    a_resolver,
    a_tree,
    problems_of,
    write_tree,
)

CORS = "policies: [{policyRef: {name: cors}, config: {origins: ['*']}}]\n"


def loaded(root: Path) -> Project:
    return load(root, StandInSchemas(), resolver=a_resolver(root.parent))


def test_a_sound_tree_becomes_a_project(tmp_path: Path) -> None:
    project = loaded(a_tree(tmp_path, orders=API + CORS, payments=GROUP))
    (organization,) = project.organizations
    (environment,) = organization.environments
    assert (organization.folder, organization.organization) == ("acme", "Acme Corp")
    assert organization.host == "https://anypoint.mulesoft.com"
    assert (environment.folder, environment.environment) == ("production", "Production")
    assert [api.name for api in environment.apis] == ["orders"]
    assert [group.layer.name for group in environment.groups] == ["group payments"]


def test_an_entry_knows_its_key_and_place(tmp_path: Path) -> None:
    project = loaded(a_tree(tmp_path, orders=API + CORS))
    (api,) = project.organizations[0].environments[0].apis
    (entry,) = api.layer.lists["policies"]
    assert entry.key == ResourceKey("policies", MULESOFT_GROUP, "cors")
    assert (entry.source.line, entry.source.column) == (4, 12)


def test_an_empty_list_is_declared_and_an_absent_one_is_not(tmp_path: Path) -> None:
    project = loaded(a_tree(tmp_path, orders=API + "policies: []\n"))
    (api,) = project.organizations[0].environments[0].apis
    assert dict(api.layer.lists) == {"policies": ()}


def test_a_null_label_means_unlabelled(tmp_path: Path) -> None:
    text = API.replace("{asset: orders-api}", "{asset: orders-api, label: null}")
    (api,) = loaded(a_tree(tmp_path, orders=text)).organizations[0].environments[0].apis
    assert api.selector == ApiSelector(asset="orders-api", label=None, has_label=True)


def test_apis_of_one_file_are_named_by_what_they_select(tmp_path: Path) -> None:
    labelled = API.replace("orders-api", "pay in, label: a/b")
    by_id = API.replace("asset: orders-api", "id: 7")
    project = loaded(a_tree(tmp_path, all="---\n".join([API, labelled, by_id])))
    names = [api.name for api in project.organizations[0].environments[0].apis]
    assert names == ["orders-api", "pay%20in:a%2Fb", "id-7"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("eu1.anypoint.mulesoft.com", "https://eu1.anypoint.mulesoft.com"),
        ("https://EU1.anypoint.mulesoft.com/", "https://eu1.anypoint.mulesoft.com"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790"),
        ("http://localhost:8790", "http://localhost:8790"),
        ("'http://[::1]:8790'", "http://[::1]:8790"),
    ],
)
def test_a_host_becomes_a_base_url(tmp_path: Path, host: str, url: str) -> None:
    root = write_tree(tmp_path, {"acme/o.yaml": ORGANIZATION + f"host: {host}\n"})
    assert loaded(root).organizations[0].host == url


@pytest.mark.parametrize(
    "host",
    [
        "http://anypoint.mulesoft.com",
        "https://user@anypoint.mulesoft.com",
        "https://anypoint.mulesoft.com/accounts",
        "https://anypoint.mulesoft.com?x",
        "https://anypoint.mulesoft.com:99999",
        "'https://anypoint.mulesoft.com:'",
        "ftp://anypoint.mulesoft.com",
        '"a b"',
        r"'https://a\b'",
        "https://",
        "http://127.0.0.1.example.com",
        '"https://ex\\u0430mple.com"',
    ],
)
def test_a_malformed_host_is_refused(tmp_path: Path, host: str) -> None:
    root = write_tree(tmp_path, {"acme/o.yaml": ORGANIZATION + f"host: {host}\n"})
    (problem,) = problems_of(root)
    assert problem.startswith("acme/o.yaml:4:7: host:")


def test_all_problems_of_all_files_come_at_once_sorted_by_place(tmp_path: Path) -> None:
    root = a_tree(tmp_path, orders=API + "polices: []\n", billing="a: [", notes="- just a list\n")
    found = problems_of(root, StandInSchemas(wrong=("polices",)))
    assert [problem.split(":")[0].rsplit("/")[-1] for problem in found] == [
        "billing.yaml",
        "notes.yaml",
        "orders.yaml",
    ]


def test_a_config_is_checked_as_one_layer_s_part(tmp_path: Path) -> None:
    schemas = StandInSchemas(refused="*bad*", required=("origins", "missing"))
    text = API + "policies:\n  - policyRef: {name: cors}\n    config: {a: '*bad*'}\n"
    assert problems_of(a_tree(tmp_path, orders=text), schemas) == [
        "acme/production/orders.yaml:6:17: policies[0].config.a: is refused"
    ]


def test_the_same_policy_twice_asks_for_a_name(tmp_path: Path) -> None:
    text = API + "policies:\n  - policyRef: {name: cors}\n  - policyRef: {name: cors}\n"
    assert problems_of(a_tree(tmp_path, orders=text)) == [
        "acme/production/orders.yaml:6:5: cors: cors stands here twice, first on line 5 "
        "(tell them apart by name:)"
    ]


def test_the_same_policy_twice_is_fine_with_names(tmp_path: Path) -> None:
    text = API + "policies: [{policyRef: {name: cors}}, {name: b, policyRef: {name: cors}}]\n"
    assert problems_of(a_tree(tmp_path, orders=text)) == []


def test_two_files_with_one_selector_are_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(a_tree(tmp_path, a=API, b=API))
    assert problem.startswith("acme/production/b.yaml:1:1: this API is described already: ")
    assert "acme/production/a.yaml:1" in problem


def test_one_name_for_two_apis_is_refused(tmp_path: Path) -> None:
    other = API.replace("orders-api", "other")
    root = write_tree(a_tree(tmp_path, orders=API).parent, {"acme/production/orders.yml": other})
    (problem,) = problems_of(root)
    assert "the name of this API is taken" in problem


def test_the_environment_s_own_name_is_reserved(tmp_path: Path) -> None:
    (problem,) = problems_of(a_tree(tmp_path, automatedPolicies=API))
    assert "the name automatedPolicies is taken by the environment itself" in problem


def test_one_organization_in_two_folders_is_refused(tmp_path: Path) -> None:
    files = {"a/o.yaml": ORGANIZATION, "b/o.yaml": ORGANIZATION}
    (problem,) = problems_of(write_tree(tmp_path, files))
    assert problem.startswith("b/o.yaml:1:1: this organization has a folder already")


def test_one_organization_on_two_hosts_is_fine(tmp_path: Path) -> None:
    other = ORGANIZATION + "host: eu1.anypoint.mulesoft.com\n"
    assert problems_of(write_tree(tmp_path, {"a/o.yaml": ORGANIZATION, "b/o.yaml": other})) == []


def test_one_environment_in_two_folders_is_refused(tmp_path: Path) -> None:
    root = write_tree(a_tree(tmp_path).parent, {"acme/zwei/env.yaml": ENVIRONMENT})
    (problem,) = problems_of(root)
    assert problem.startswith("acme/zwei/env.yaml:1:1: this environment has a folder already")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${env:AWS_SECRET_ACCESS_KEY}", "the variable AWS_SECRET_ACCESS_KEY may not be used"),
        ("${env:}", "${env:} names no variable"),
        ("${foo:x}", "there is a ${...} that is no reference"),
        ("${env:A", "the ${ is not closed"),
        ("${file:../../../../../../etc/passwd}", "lies outside of the working directory"),
    ],
)
def test_a_bad_reference_is_refused_without_looking_it_up(
    tmp_path: Path, reference: str, message: str
) -> None:
    text = API + f"policies:\n  - policyRef: {{name: cors}}\n    config: {{a: ['{reference}']}}\n"
    (problem,) = problems_of(a_tree(tmp_path, orders=text))
    assert problem.startswith("acme/production/orders.yaml:6:18: policies[0].config.a[0]:")
    assert message in problem


def test_auth_may_use_any_variable(tmp_path: Path) -> None:
    text = ORGANIZATION + "auth: {clientSecret: '${env:ANYPOINT_CLIENT_SECRET}'}\n"
    assert problems_of(write_tree(tmp_path, {"acme/o.yaml": text})) == []


def test_a_reference_outside_of_config_and_auth_is_refused(tmp_path: Path) -> None:
    text = ORGANIZATION.replace("Acme Corp", "${env:ORG}")
    (problem,) = problems_of(write_tree(tmp_path, {"acme/o.yaml": text}))
    assert "a reference is resolved in config: and auth: only" in problem


def test_a_plain_secret_in_auth_is_warned_of_and_never_shown(tmp_path: Path) -> None:
    text = ORGANIZATION + "auth: {clientId: abc, clientSecret: hunter2}\n"
    project = loaded(write_tree(tmp_path, {"acme/o.yaml": text}))
    (warning,) = project.warnings
    assert "acme/o.yaml:4:37: auth.clientSecret: a secret stands here as plain text" in warning
    assert "hunter2" not in repr(project) + warning


def test_every_problem_names_its_file(tmp_path: Path) -> None:
    root = a_tree(tmp_path, orders="kind: [")
    with pytest.raises(PolicyError) as caught:
        loaded(root)
    assert caught.value.problems[0].file == f"{root}/acme/production/orders.yaml"


def test_billion_laughs_are_a_problem(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    text = API + "l0: &l0 [lol]\n" + "\n".join(levels) + "\n"
    (problem,) = problems_of(a_tree(tmp_path, orders=text))
    assert "expand without measure" in problem


def test_what_is_odd_in_a_document_becomes_a_warning(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"acme/o.yaml": ORGANIZATION})
    schemas = StandInSchemas(odd=("organization",))
    project = load(root, schemas, resolver=a_resolver(tmp_path))
    assert project.warnings == (f"{root}/acme/o.yaml:3:1: organization: is odd",)


def test_of_more_faults_than_anybody_reads_the_first_are_said(tmp_path: Path) -> None:
    wrong = "".join(f"k{number}: 1\n" for number in range(2_100))
    root = a_tree(tmp_path, orders=API + wrong)
    found = problems_of(root, StandInSchemas(wrong=tuple(f"k{number}" for number in range(2_100))))
    assert len(found) == 2_001
    assert "and 100 more" in found[0]
