"""``python -m tests.bench [NAME ...]``: run benchmarks, print each figure with its bound and the verdict."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from bench.catalogue import main

    sys.exit(main(sys.argv[1:]))
