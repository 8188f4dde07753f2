"""Hosts to measure against, in a process of their own: the lab's WinRM and SSH servers in front of a plain machine.

``python benchmarks/estate.py --hosts 20 --start-s 0.4`` prints one line of JSON (where everything listens, and the
credentials), and ends when its standard input does. A PowerShell costs ``--start-s`` to start, or is a real one
(``--pwsh``). Every answer holds the text ``bench N`` that the step asked for, so that the work can be checked.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncssh

from engine.lab.serve import LabServers, ServedHost
from engine.lab.shells import encoded_script
from engine.model.data import JsonMap
from engine.model.frame import HANDSHAKE, Frame

NETWORK = "127.88"
USER, PASSWORD = "bench", "Bench-Passw0rd"
ASKED = re.compile(r"bench \d+")


class BenchHost:
    """Gives back what it was asked for; only the start of an interpreter takes time."""

    def __init__(self, name: str, start_s: float) -> None:
        self._name = name
        self._start_s = start_s

    @property
    def name(self) -> str:
        return self._name

    def reachable(self) -> bool:
        return True

    def boot_number(self) -> int:
        return 1

    def password_of(self, user: str) -> str | None:
        return PASSWORD if user.casefold() == USER else None

    def answer(self, frame: Frame, text: str) -> JsonMap:
        if frame.name == HANDSHAKE:
            time.sleep(self._start_s)
            value: JsonMap = {"version": "2.0", "boot_id": "1", "computer": self._name}
        else:
            value = {"text": _asked(text)}
        return {"ok": True, "value": value, "errors": [], "exit_code": None}

    def shell(self, command_line: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        script = encoded_script(command_line)
        if script is not None:
            time.sleep(self._start_s)
            return 0, f"{_asked(script)}\r\n".encode(), b""
        done = subprocess.run(["/bin/sh", "-c", command_line], input=stdin, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr


def _asked(text: str) -> str:
    found = ASKED.search(text)
    return found[0] if found else ""


def serve(hosts: int, start_s: float, *, pwsh: bool, folder: Path) -> tuple[LabServers, dict[str, object]]:
    """All servers, and what a client needs to know."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key_file, known_hosts = folder / "key", folder / "known_hosts"
    key.write_private_key(str(key_file))
    key_file.chmod(0o600)
    public = key.export_public_key("openssh").decode().strip()
    servers = LabServers()
    endpoints = servers.start(
        [
            ServedHost(
                host=BenchHost(f"BENCH{number:03}", start_s),
                address=f"{NETWORK}.{number // 250}.{number % 250 + 1}",
                winrm_port=0,
                https_port=None,
                ssh_port=0,
                ssh_keys={USER: [public]},
                interpreter="pwsh" if pwsh else "emulated",
            )
            for number in range(hosts)
        ]
    )
    known_hosts.write_text(endpoints.known_hosts(), encoding="ascii")
    return servers, {
        "user": USER,
        "password": PASSWORD,
        "key_file": str(key_file),
        "known_hosts": str(known_hosts),
        "hosts": [
            {"name": one.name, "address": one.address, "winrm_port": one.winrm_port, "ssh_port": one.ssh_port}
            for one in endpoints.hosts.values()
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--start-s", type=float, default=0.4)
    parser.add_argument("--pwsh", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        servers, told = serve(options.hosts, options.start_s, pwsh=options.pwsh, folder=Path(folder))
        print(json.dumps(told), flush=True)
        sys.stdin.read()
        servers.stop()


if __name__ == "__main__":
    main()
