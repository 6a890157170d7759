"""`python -m reconciler`.

Python looks for modules in the working directory first, which may hold files of anybody who can
open a pull request. It is taken off the search path before anything else is imported; that cannot
help where the folder holds a `reconciler` of its own, or one of the few modules that Python itself
imports before: pipelines use the `reconciler` command, or `python -P -m reconciler`.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]

from reconciler.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
