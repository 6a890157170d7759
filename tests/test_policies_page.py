"""docs/policies.md says what the catalogue holds."""

from __future__ import annotations

import runpy
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_page_is_up_to_date() -> None:
    catalogue = yaml.safe_load((ROOT / "schemas" / "catalogue.yaml").read_text("utf-8"))
    made = runpy.run_path(str(ROOT / "docs" / "policies.py"))["page"](catalogue)
    assert (ROOT / "docs" / "policies.md").read_text("utf-8") == made, "run `make schemas`"
    assert all(f"`{name}`" in made for name in catalogue["policies"])
