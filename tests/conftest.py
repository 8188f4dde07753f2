"""Shared pieces of the tests lie in ``tests/support``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
