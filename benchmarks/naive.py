"""The obvious ways to make a plan, to be measured against. They do what a plan needs, and no more.

`obvious`: one call after the other, PyYAML's SafeLoader, `jsonschema.validate`, DeepDiff on each
pair. `well_used`: the same packages as one uses them well: libyaml, one validator, one session
shared by threads, DeepDiff on each pair. Run as `python -m benchmarks.naive WAY URL POLICIES C`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import requests
import yaml
from deepdiff import DeepDiff
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from requests.adapters import HTTPAdapter

from benchmarks.server import LOGIN

_SHIPPED = Path(__file__).parents[1] / "schemas"


def validator() -> jsonschema.Draft202012Validator:
    """Of an ApiInstance with all policy types, by the schemas as an editor uses them."""
    paths = _SHIPPED.rglob("*.schema.json")
    schemas = {
        path.relative_to(_SHIPPED).as_posix(): json.loads(path.read_text()) for path in paths
    }
    resources = ((name, DRAFT202012.create_resource(one)) for name, one in schemas.items())
    registry: Registry[Any] = Registry().with_resources(resources)
    return jsonschema.Draft202012Validator(schemas["api-instance.schema.json"], registry=registry)


class Estate:
    """What is live, over one session."""

    def __init__(self, url: str, connections: int) -> None:
        self._url = url
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        token = self._session.post(f"{url}/accounts/api/v2/oauth2/token", json=LOGIN).json()
        self._session.headers["Authorization"] = f"Bearer {token['access_token']}"
        organization = self._get("/accounts/api/me")["user"]["organizationId"]
        above = f"/accounts/api/organizations/{organization}"
        self._get(f"{above}/hierarchy")
        environments = self._get(f"{above}/environments")["data"]
        production = next(one["id"] for one in environments if one["name"] == "Production")
        self._apis = (
            f"/apimanager/api/v1/organizations/{organization}/environments/{production}/apis"
        )

    def _get(self, path: str) -> Any:
        answer = self._session.get(self._url + path)
        answer.raise_for_status()
        return answer.json()

    def ids(self) -> dict[str, int]:
        """The id of each API by its asset."""
        found: dict[str, int] = {}
        while True:
            page = self._get(f"{self._apis}?limit=100&offset={len(found)}")
            found |= {one["assetId"]: one["apis"][0]["id"] for one in page["assets"]}
            if len(found) >= page["total"]:
                return found

    def policies(self, api: int) -> dict[str, Any]:
        """The configuration of each policy by its name."""
        listed = self._get(f"{self._apis}/{api}/policies?fullInfo=false")
        entries = listed if isinstance(listed, list) else listed["policies"]
        return {_name(one): one.get("configurationData") or one["configuration"] for one in entries}


def _name(entry: dict[str, Any]) -> str:
    return str(entry.get("assetId") or entry["template"]["assetId"])


def _documents(folder: Path, loader: Any, check: Callable[[Any], None]) -> Iterable[Any]:
    for path in sorted(folder.glob("*/*/*.yaml")):
        document = yaml.load(path.read_bytes(), Loader=loader)
        if document["kind"] == "ApiInstance":
            check(document)
            yield document


def _differs(document: Any, live: dict[str, Any]) -> int:
    return sum(
        bool(DeepDiff(live.get(one["policyRef"]["name"]), one["config"], ignore_order=True))
        for one in document["policies"]
    )


def obvious(url: str, folder: Path) -> int:
    """How many policies differ, found in the obvious way."""

    def check(document: Any) -> None:
        made = validator()
        made.check_schema(made.schema)
        made.validate(document)

    documents = list(_documents(folder, yaml.SafeLoader, check))
    estate = Estate(url, 1)
    ids = estate.ids()
    return sum(_differs(one, estate.policies(ids[one["api"]["asset"]])) for one in documents)


def well_used(url: str, folder: Path, connections: int) -> int:
    """The same, with each package used well."""
    documents = list(_documents(folder, yaml.CSafeLoader, validator().validate))
    estate = Estate(url, connections)
    ids = estate.ids()
    with ThreadPoolExecutor(connections) as pool:
        live = pool.map(estate.policies, (ids[one["api"]["asset"]] for one in documents))
        return sum(map(_differs, documents, live))


def main() -> None:
    way, url, folder, connections = sys.argv[1:]
    if way == "obvious":
        print(obvious(url, Path(folder)))
    else:
        print(well_used(url, Path(folder), int(connections)))


if __name__ == "__main__":
    main()
