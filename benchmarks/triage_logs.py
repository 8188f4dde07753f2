"""Time and memory of a triage over generated setup logs: ``python benchmarks/triage_logs.py [MEGABYTES]``.

Prints seconds and the peak of the resident memory; the folder is generated first and removed afterwards.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from engine.app.triage import triage_evidence

LINE = "MSI (s) (A4:1C) [19:04:11:123]: Executing op: ActionStart(Name=WriteRegistryValues,Description=Writing,)\r\n"
FAILED = (
    "CAStartServices: Attempting to start service. OMCFG\r\n"
    "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
)


def generate(folder: Path, megabytes: int) -> None:
    """Half UTF-8, a quarter UTF-16, a quarter cp1252, each with the signature at its end."""
    block = LINE * 9000
    for name, encoding, share in (("a", "utf-8", 0.5), ("b", "utf-16-le", 0.25), ("c", "cp1252", 0.25)):
        text = block.replace("Writing", "\u00dcber") if encoding == "cp1252" else block
        data = text.encode(encoding)
        with (folder / f"{name}.log").open("wb") as stream:
            for _ in range(int(megabytes * share * 1e6 / len(data)) + 1):
                stream.write(data)
            stream.write(FAILED.encode(encoding))


def main() -> None:
    """Generate, triage, print."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "hosts" / "SM01" / "logs"
        logs.mkdir(parents=True)
        generate(logs, megabytes)
        started = time.perf_counter()
        result = triage_evidence([folder])
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{result.counts.bytes / 1e6:.0f} MB, {result.counts.log_lines:,} lines: {seconds:.1f} s, peak {peak:.0f} MiB"
    )
    print(f"suspected: {result.suspected}; sightings: {len(result.supporting)}")


if __name__ == "__main__":
    main()
