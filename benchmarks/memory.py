"""Memory of the engine while it works on 200 hosts at once, all shells open; the target is 400 MB. POSIX only.

What is measured is the peak resident set of the ``runbook run`` process alone; the hosts live in another one.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from job import HERE, estate, make_job

MB = 1024 if sys.platform != "darwin" else 1024 * 1024  # ru_maxrss is in KiB on Linux, in bytes on macOS


def peak_mb(command: list[str]) -> tuple[float, float]:
    """Peak resident set of the largest process that the command was, and its seconds."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the job failed: {done.stderr[-2000:]}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MB, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    with estate(options.hosts, 0.4, pwsh=False) as told:
        for name in ("engine", "engine-ssh"):
            pid = os.fork()
            if pid == 0:  # its own process: the peak of children never goes down
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "job.json"
                    make_job(told, options.steps, Path(folder)).save(path)
                    peak, took = peak_mb([sys.executable, str(HERE / "contestants.py"), name, str(path)])
                print(
                    f"{name}: {options.hosts} hosts x {options.steps} steps, all at once: "
                    f"{peak:.0f} MB at its peak, {took:.1f} s",
                    flush=True,
                )
                os._exit(0)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
