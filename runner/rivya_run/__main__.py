"""The command ``rivya-run``, also as ``python -m rivya_run``."""

from __future__ import annotations

from rivya_run.cli.app import app


def main() -> None:
    """Run the command line and leave with its exit code."""
    app()


if __name__ == "__main__":
    main()
