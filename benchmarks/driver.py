"""Times the same job with this engine and with whoever else is installed; prints medians and ratios.

``python benchmarks/driver.py`` does H hosts x S steps over WinRM with a simulated PowerShell start, and over SSH.
``--pwsh`` puts the PowerShell of RUNBOOK_PWSH behind each WinRM shell instead. Every contestant runs as a process of
its own, in turns (so that a busy moment hits all), against servers in another process of the same machine. That process
is what is timed: the files it needs are made before, and what it did is checked after.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from contestants import CONTESTANTS, Contestant
from job import Job, estate, make_job

REFERENCE = {"winrm": "engine", "ssh": "engine-ssh"}


def measured(names: Sequence[str], job: Job, repeats: int) -> Mapping[str, list[float]]:
    """Seconds of each repeat; a contestant that fails is told of and left out."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for repeat in range(repeats):
        turn = repeat % len(names)
        for name in (*names[turn:], *names[:turn]):
            if name in times:
                _once(name, job, times)
    return times


def _once(name: str, job: Job, times: dict[str, list[float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = CONTESTANTS[name].make(make_own(job, folder))
        try:
            times[name].append(program.run(folder))
        except SystemExit as refused:
            del times[name]
            print(f"{name} did not do the job and is left out: {refused}", file=sys.stderr)


def make_own(job: Job, folder: str) -> Job:
    """The same job in a folder of its own."""
    return Job(
        hosts=job.hosts, steps=job.steps, user=job.user, password=job.password, key_file=job.key_file,
        known_hosts=job.known_hosts, folder=folder,
    )  # fmt: skip


def table(protocol: str, times: Mapping[str, list[float]], title: str) -> str:
    """One line a contestant, with its ratio to the engine."""
    medians = {name: statistics.median(found) for name, found in times.items() if found}
    base = medians.get(REFERENCE[protocol])
    lines = [
        title,
        "",
        "| who | how | median | least | most | to the engine |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, median in sorted(medians.items(), key=lambda one: one[1]):
        ratio = f"{median / base:.1f}" if base else ""
        spread = f"{min(times[name]):.2f} s | {max(times[name]):.2f} s"
        lines.append(f"| {name} | {CONTESTANTS[name].what} | {median:.2f} s | {spread} | {ratio} |")
    return "\n".join(lines) + "\n"


def race(protocol: str, options: argparse.Namespace) -> str:
    """The job over one protocol."""
    hosts, steps = (options.hosts, options.steps) if protocol == "winrm" else (options.ssh_hosts, options.ssh_steps)
    present = [name for name, one in CONTESTANTS.items() if one.protocol == protocol and wanted(name, one, options)]
    if not present:
        return ""
    pwsh = options.pwsh and protocol == "winrm"
    start = "a real pwsh" if pwsh else f"{options.start_s:g} s of simulated start"
    with estate(hosts, options.start_s, pwsh=pwsh) as told, tempfile.TemporaryDirectory() as folder:
        times = measured(present, make_job(told, steps, Path(folder)), options.repeats)
    behind = f", {start} behind each shell" if protocol == "winrm" else ""
    return table(protocol, times, f"{protocol}: {hosts} hosts x {steps} steps{behind}, {options.repeats} repeats")


def wanted(name: str, contestant: Contestant, options: argparse.Namespace) -> bool:
    """Asked for and installed."""
    if options.only and name not in options.only.split(","):
        return False
    if contestant.real_powershell and not options.pwsh:
        return False
    if not contestant.present:
        print(f"{name} is not installed ({', '.join(contestant.needs)})", file=sys.stderr)
    return contestant.present


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=20, help="over WinRM")
    parser.add_argument("--steps", type=int, default=10, help="over WinRM")
    parser.add_argument("--ssh-hosts", type=int, default=10)
    parser.add_argument("--ssh-steps", type=int, default=10)
    parser.add_argument("--start-s", type=float, default=0.4, help="simulated start of a PowerShell")
    parser.add_argument("--pwsh", action="store_true", help="a real PowerShell behind each WinRM shell")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--protocol", choices=sorted(REFERENCE), help="only this one")
    parser.add_argument("--only", help="only these contestants, separated by commas")
    options = parser.parse_args()
    for protocol in [options.protocol] if options.protocol else ["winrm", "ssh"]:
        print(race(protocol, options), flush=True)


if __name__ == "__main__":
    main()
