from __future__ import annotations

from pathlib import Path

from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.offline import effective_offline
from reconciler.files.schema import Schemas
from tests.files.builders import a_resolver

ROOT = Path(__file__).parents[2]


def test_the_sample_is_sound_with_the_shipped_schemas() -> None:
    resolver = a_resolver(ROOT, offline=True)
    schemas = Schemas.load()
    project = load(ROOT / "policies", schemas, resolver=resolver)
    found = list(effective_offline(project, Layering(schemas, ShippedCatalogue.load(), resolver)))
    assert project.warnings == ()
    assert [unit.effective[1:] for unit in found] == [([], [])] * len(found)
    assert {str(unit.effective[0].address) for unit in found} >= {
        "acme/production/orders",
        "acme/production/payments",
        "acme/sandbox/customers",
    }
