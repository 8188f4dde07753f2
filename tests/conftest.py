"""Shared pieces of the tests lie in ``tests/support``."""

import os
import sys
from pathlib import Path

# Every PowerShell that a test starts, killed ones too, leaves /tmp as it was.
os.environ |= {"DOTNET_EnableDiagnostics": "0", "POWERSHELL_DIAGNOSTICS_OPTOUT": "1"}
sys.path.insert(0, str(Path(__file__).parent / "support"))
