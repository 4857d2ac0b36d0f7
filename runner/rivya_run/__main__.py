"""The command ``rivya-run``, also as ``python -m rivya_run``."""

from __future__ import annotations

import os
import sys

from rivya_run.instant import answer


def main() -> None:
    """Run the command line and leave with its exit code; a rerun with nothing to do is answered at once."""
    found = answer(sys.argv[1:], os.environ)
    if found is not None and sys.stderr is not None:
        sys.stderr.write(found)
        return
    from rivya_run.cli.app import app

    app()


if __name__ == "__main__":
    main()
