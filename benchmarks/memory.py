"""Memory of the engine while it works on 200 hosts at once, all shells open; the target is 400 MB. POSIX only.

What is measured is the peak resident set of the ``runbook run`` process alone; the hosts live in another one.
"""

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

from contestants import CONTESTANTS
from job import estate, make_job

MB = 1024 if sys.platform != "darwin" else 1024 * 1024  # ru_maxrss is in KiB on Linux, in bytes on macOS


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
                    took = CONTESTANTS[name].make(make_job(told, options.steps, Path(folder))).run(folder)
                peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MB
                print(
                    f"{name}: {options.hosts} hosts x {options.steps} steps, all at once: "
                    f"{peak:.0f} MB at its peak, {took:.1f} s",
                    flush=True,
                )
                os._exit(0)
            if os.waitpid(pid, 0)[1] != 0:
                raise SystemExit(f"{name} did not do the job")


if __name__ == "__main__":
    main()
