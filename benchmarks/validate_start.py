"""How long a person waits for ``runbook validate FILE``: whole processes, warm disk, median of many; target 0.35 s."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNBOOK = "runbooks/service-manager/configuration-service-timeout.yaml"
TARGET_S = 0.35


def median_s(command: list[str], repeats: int) -> float:
    """Median seconds of a process, after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21)
    repeats = parser.parse_args().repeats
    runbook = str(Path(sys.executable).with_name("runbook"))
    rows = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "runbook --help": [runbook, "--help"],
        "runbook version": [runbook, "version"],
        "runbook inventory": [runbook, "inventory", "-i", "inventory/example.yaml"],
        "runbook validate FILE": [runbook, "validate", RUNBOOK],
        "runbook plan": [runbook, "plan", "configuration-service-timeout", "-i", "inventory/lab.yaml"],
    }
    print(f"whole processes, median of {repeats}\n\n| command | median |\n| --- | ---: |")
    for name, command in rows.items():
        try:
            took = median_s(command, repeats)
        except subprocess.CalledProcessError as failed:
            print(f"| {name} | ended with {failed.returncode} |")
            continue
        missed = f" (target {TARGET_S} s)" if name == "runbook validate FILE" else ""
        print(f"| {name} | {took:.3f} s{missed} |", flush=True)


if __name__ == "__main__":
    main()
