"""The command ``rivya-run``, also as ``python -m rivya_run``."""

from __future__ import annotations

import sys

from rivya_run.cli.streams import open_streams
from rivya_run.errors import Interrupted


def main() -> None:
    """Run the command line and leave with its exit code; Ctrl-C may come at any time."""
    try:
        code = _exit_code()
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    sys.exit(code)


def _exit_code() -> int:
    """A rerun with nothing to do is answered at once, without loading the command line."""
    import os

    from rivya_run.cli.instant import answer

    open_streams()
    found = answer(sys.argv[1:], os.environ)
    if found is not None:
        sys.stderr.write(found)
        return 0
    from signal import SIG_DFL, SIGINT, signal

    from rivya_run.cli.app import app

    try:
        app()
    except SystemExit as left:
        return int(left.code or 0)
    finally:
        signal(SIGINT, SIG_DFL)  # while Python clears up, Ctrl-C would be a traceback
    return 0


if __name__ == "__main__":
    main()
