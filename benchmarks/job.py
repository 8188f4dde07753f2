"""The job that every contestant does: ``steps`` looks on each of ``hosts`` hosts; and the files that describe it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHost:
    """One host and where it listens."""

    name: str
    address: str
    winrm_port: int
    ssh_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a contestant is told. ``folder`` is its own, for files it writes."""

    hosts: tuple[JobHost, ...]
    steps: int
    user: str
    password: str
    key_file: str
    known_hosts: str
    folder: str

    def save(self, path: Path) -> None:
        """Write it for a contestant's process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def load(path: Path) -> Job:
    """Read what ``save`` wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Job(**{**data, "hosts": tuple(JobHost(**one) for one in data["hosts"])})


def powershell_text(step: int) -> str:
    """What a step asks a PowerShell that is started for it."""
    return f"Write-Output 'bench {step}'"


@contextmanager
def estate(hosts: int, start_s: float, *, pwsh: bool) -> Iterator[dict[str, object]]:
    """The hosts, in a process of their own until the block ends."""
    command = [sys.executable, str(HERE / "estate.py"), "--hosts", str(hosts), "--start-s", str(start_s)]
    with subprocess.Popen(
        [*command, *(["--pwsh"] if pwsh else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            if not first:
                raise SystemExit("the hosts did not come up; their own lines are above")
            yield json.loads(first)
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def make_job(told: dict[str, object], steps: int, folder: Path) -> Job:
    """The job on the hosts that the estate told of."""
    rows = told["hosts"]
    assert isinstance(rows, list)
    return Job(
        hosts=tuple(JobHost(**one) for one in rows),
        steps=steps,
        user=str(told["user"]),
        password=str(told["password"]),
        key_file=str(told["key_file"]),
        known_hosts=str(told["known_hosts"]),
        folder=str(folder),
    )
