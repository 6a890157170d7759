"""A tree of one Salesforce organization with one environment, for the tests of its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.core.access import DesiredAccess
from reconciler.core.model import Target
from reconciler.errors import PolicyError
from reconciler.files.access import effective_access
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.offline import effective_offline
from reconciler.files.schema import Schemas
from tests.files.builders import a_catalogue, a_resolver, write_tree

SCHEMAS = Schemas.load()
TARGET = Target("https://acme--uat.sandbox.my.salesforce.com", "00D5g000000AbCdEAK", "sandbox")
HEAD = "apiVersion: reconciler/v1\nkind: "
ORGANIZATION = f"{HEAD}Organization\nplatform: salesforce\n"
ENVIRONMENT = (
    f"{HEAD}Environment\ninstanceUrl: https://acme--uat.sandbox.my.salesforce.com\n"
    "orgId: 00D5g000000AbCdEAK\nsandbox: true\n"
)
SELF = "self: {app: Access Reconciler, username: reconciler@acme.example.uat}\n"
ACCESS = f"{HEAD}ApiAccess\n{SELF}"
OWN_APP = "  - {name: Access Reconciler, adminApproved: true, allow: {permissionSets: [Own_Use]}}\n"


def a_crm(
    root: Path,
    access: str = f"apps:\n{OWN_APP}",
    *,
    organization: str = "",
    environment: str = "",
    more: Mapping[str, str] | None = None,
) -> Path:
    """The tree; each text is added to a sound document of its kind."""
    files = {
        "crm/organization.yaml": ORGANIZATION + organization,
        "crm/uat/environment.yaml": ENVIRONMENT + environment,
        "crm/uat/access.yaml": ACCESS + access,
    }
    return write_tree(root, files | dict(more or {}))


def problems_of(root: Path) -> list[str]:
    """What `validate` says of a tree, with the root left out."""
    try:
        project = load(root, SCHEMAS, resolver=a_resolver(root.parent, offline=True))
        layering = Layering(SCHEMAS, a_catalogue(), a_resolver(root.parent, offline=True))
        problems = [
            one for unit in effective_offline(project, layering) for one in unit.effective[1]
        ]
    except PolicyError as error:
        problems = list(error.problems)
    return [str(problem).replace(f"{root}/", "") for problem in problems]


def desired_of(root: Path) -> DesiredAccess:
    """What the only ApiAccess of a sound tree asks for."""
    project = load(root, SCHEMAS, resolver=a_resolver(root.parent, offline=True))
    organization = next(one for one in project.organizations if one.platform == "salesforce")
    desired, problems = effective_access(organization, organization.environments[0], TARGET)
    assert problems == []
    return desired
