"""Generated files with one mistake each, for `test_mistakes.py` and the table in docs/proof.md."""
