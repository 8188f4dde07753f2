"""Use case: bring the built-in estate up on loopback, with an inventory and a baseline that fit it."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.app.wiring import make_folder
from engine.lab.clock import LabClock
from engine.lab.estate import OPERATOR, VARIANTS, Estate, build_estate
from engine.lab.host import LabHost
from engine.lab.machine_posix import PosixMachine
from engine.lab.machine_posix_host import PosixHost
from engine.lab.pwsh import find_powershell, script_runner
from engine.lab.pwsh_machine import PwshMachine
from engine.lab.serve import Endpoint, Endpoints, LabServers, ServedHost
from engine.model.data import JsonValue
from engine.model.errors import UsageMistake
from engine.model.event import ApprovalAsked, QuestionAsked
from engine.ports.edges import PersonAnswer

GROUPS: Mapping[str, tuple[str, ...]] = {
    "management_servers": ("SM01", "SM02"),
    "data_warehouse_servers": ("DW01",),
    "sql_servers": ("SQL01", "SQL02"),
    "service_manager_databases": ("SQL01",),
    "warehouse_databases": ("SQL02",),
    "upgraded_server": ("SM01",),
}
NETWORK = "127.77.0"
SSH_HOST = "SQL02"
JUMP_HOST, JUMP_USER = "JUMP01", "recovery"
DEFAULT_SPEED = 20.0


def groups_of(estate: Estate) -> Mapping[str, tuple[str, ...]]:
    """The groups of an estate: the upgraded server is the one whose upgrade is at stake."""
    return {**GROUPS, "upgraded_server": (estate.wizard.machine.name,)}


@dataclass(slots=True, kw_only=True)
class Lab:
    """An estate that answers. ``inventory`` and ``baseline`` are the files that fit it, in ``folder``."""

    estate: Estate
    servers: LabServers
    hosts: tuple[LabHost, ...]
    endpoints: Endpoints
    folder: Path
    inventory: Path
    baseline: Path

    def stop(self) -> None:
        """End all servers, and the folders of real PowerShells."""
        self.servers.stop()
        for host in self.hosts:
            if isinstance(host, PwshMachine):
                host.close()


def up(
    folder: Path,
    *,
    variant: str = "upgrade-failed",
    speed: float = DEFAULT_SPEED,
    interpreter: str = "emulated",
    jump_host: bool = False,
) -> Lab:
    """Bring the lab up: ``speed`` lab seconds pass in one real second. A port that is taken is replaced by a free one.

    With ``interpreter="pwsh"`` the PowerShell that ``RUNBOOK_PWSH`` names stands behind every shell. ``jump_host`` adds
    a POSIX host behind SSH, alone in the group ``jump_hosts``.
    """
    if variant not in VARIANTS:
        raise UsageMistake(f"the lab knows no estate {variant}", remedy=f"one of: {', '.join(VARIANTS)}")
    make_folder(folder)
    password = os.environ.get("RUNBOOK_LAB_PASSWORD") or secrets.token_urlsafe(15)
    clock = LabClock(_real_now(), speed=speed)
    estate = build_estate(replace(VARIANTS[variant], password=password), clock=clock, run_script=script_runner())
    real = interpreter == "pwsh" or find_powershell() is not None
    hosts = {name: PwshMachine(one) if real else one for name, one in estate.machines.items()}
    servers = LabServers()
    jump = [_jump(password, clock)] if jump_host else []
    endpoints = servers.start(
        [
            ServedHost(
                host=host,
                address=f"{NETWORK}.{number}",
                ssh_port=2222 if name == SSH_HOST else None,
                interpreter="pwsh" if interpreter == "pwsh" else "emulated",
            )
            for number, (name, host) in enumerate(hosts.items(), 11)
        ]
        + jump
    )
    _private(folder / "password", password)
    (folder / "ca.pem").write_text(endpoints.ca_pem, encoding="ascii")
    (folder / "known_hosts").write_text(endpoints.known_hosts(), encoding="ascii")
    inventory, baseline = folder / "inventory.yaml", folder / "baseline.yaml"
    groups = {**groups_of(estate), **({"jump_hosts": (JUMP_HOST,)} if jump_host else {})}
    inventory.write_text(_inventory(endpoints, folder.absolute(), groups), encoding="utf-8")
    baseline.write_text(json.dumps(estate.baseline_document(), indent=1) + "\n", encoding="utf-8")
    return Lab(
        estate=estate,
        servers=servers,
        hosts=(*hosts.values(), *(one.host for one in jump)),
        endpoints=endpoints,
        folder=folder,
        inventory=inventory,
        baseline=baseline,
    )


def _jump(password: str, clock: LabClock) -> ServedHost:
    """A small Linux host; it also answers the doctor's look."""
    from engine.app.doctor_hosts import POSIX_LOOK

    machine = PosixMachine(name=JUMP_HOST, passwords={JUMP_USER: password})
    machine.add_folder(f"/home/{JUMP_USER}", 0o700)
    machine.add_file("/etc/hostname", f"{JUMP_HOST}\n".encode())

    def look(one: PosixMachine, given: Mapping[str, str]) -> str:
        del given
        return f"Linux 6.1.0\n{one.name}-{one.boot}\n{int(clock.now())}\n"

    host = PosixHost(machine, {POSIX_LOOK: look})
    return ServedHost(
        host=host,
        address=f"{NETWORK}.31",
        winrm_port=None,
        https_port=None,
        ssh_port=2222,
        ssh_version="OpenSSH_9.2p1",
    )


def _real_now() -> float:
    from engine.app.clock import SystemClock

    return SystemClock().now()


def _private(path: Path, text: str) -> None:
    """Only the owner may read it."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(text + "\n")


def _inventory(endpoints: Endpoints, folder: Path, groups: Mapping[str, tuple[str, ...]]) -> str:
    """An inventory in Ansible's YAML layout; the password is a reference to a file that only its owner may read."""
    hosts = {name: _host(one, folder) for name, one in endpoints.hosts.items()}
    document = {
        "all": {
            "vars": {
                "ansible_connection": "winrm",
                "ansible_winrm_transport": "ntlm",
                "ansible_winrm_scheme": "http",
                "ansible_user": OPERATOR,
                "ansible_password": f"file:{folder / 'password'}",
            },
            "children": {
                group: {"hosts": {name: hosts.pop(name, {}) for name in names}} for group, names in groups.items()
            },
        }
    }
    head = "# The simulated estate as it is up now. Written by `runbook lab`; a stopped lab leaves it behind.\n"
    return head + json.dumps(document, indent=2) + "\n"


def _host(one: Endpoint, folder: Path) -> Mapping[str, JsonValue]:
    if one.winrm_port is None:
        return {
            "ansible_host": one.address,
            "ansible_connection": "ssh",
            "ansible_port": one.ssh_port,
            "ansible_shell_type": "sh",
            "ansible_user": JUMP_USER,
            "runbook_known_hosts": str(folder / "known_hosts"),
        }
    if one.ssh_port is not None:
        return {
            "ansible_host": one.address,
            "ansible_connection": "ssh",
            "ansible_port": one.ssh_port,
            "ansible_shell_type": "powershell",
            "runbook_known_hosts": str(folder / "known_hosts"),
        }
    return {"ansible_host": one.address, "ansible_port": one.winrm_port}


@dataclass(slots=True, kw_only=True)
class LabOperator:
    """The simulated operator: does what an instruction says, on the estate, and tells truthfully what came of it."""

    estate: Estate
    by: str = "the lab's operator"

    def question(self, asked: QuestionAsked) -> PersonAnswer | None:
        """The answer, or None if this operator cannot know."""
        answer = self.estate.operator_answer(f"{asked.show} {asked.question}", asked.answers)
        return None if answer is None else PersonAnswer(answer=answer, by=self.by)

    def approval(self, asked: ApprovalAsked) -> PersonAnswer | None:
        """Approves: the demonstration's command line says so."""
        del asked
        return PersonAnswer(answer="approve", by=f"{self.by} (the demonstration approves)")
