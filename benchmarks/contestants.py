"""Who does the job, each in a process of its own, which is what is timed.

A contestant is a program with files made for it beforehand, or a library that ``python benchmarks/contestants.py NAME
JOB.json`` uses. Every answer is checked; a wrong or missing one ends it with an error, so that a time is only ever the
time of work that was done. Every one may work on all hosts at once.
"""
# ruff: noqa: PLC0415 - a contestant pays for its own imports and for no other's

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import job as jobs
from job import Job, JobHost


def _as_it_came(said: str) -> None:
    """A library checks each answer itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process to be timed. ``check`` is given what it printed and fails unless all was done; its time is nobody's."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[str], None] = _as_it_came

    def run(self, folder: str) -> float:
        """Run it in the job's folder; its seconds. ``SystemExit`` if it did not do all of the job."""
        environment = {**os.environ, **self.environment}
        started = time.perf_counter()
        done = subprocess.run(self.command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        took = time.perf_counter() - started
        if done.returncode != 0:
            raise SystemExit(f"it ended with {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        self.check(done.stdout)
        return took


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """``needs`` are modules without which it does not take part; some need a real PowerShell to talk to."""

    protocol: str
    what: str
    make: Callable[[Job], Program]
    needs: tuple[str, ...] = ()
    real_powershell: bool = False

    @property
    def present(self) -> bool:
        """True if everything it needs is installed."""
        return all(find_spec(one) is not None for one in self.needs)


def on_every_host(job: Job, work: Callable[[Job, JobHost], None]) -> None:
    """One thread a host."""
    with ThreadPoolExecutor(len(job.hosts)) as pool:
        list(pool.map(lambda host: work(job, host), job.hosts))


def expect(answer: str, step: int) -> None:
    """The answer of this step and no other."""
    if answer.strip() != f"bench {step}":
        raise SystemExit(f"step {step} was answered by {answer!r}")


def path_of(name: str) -> str:
    """A program beside this Python, else on the PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else str(shutil.which(name))


def library(name: str) -> Callable[[Job], Program]:
    """A process of this file, which does the work of ``name`` and checks each answer as it comes."""

    def make(job: Job) -> Program:
        path = Path(job.folder) / "job.json"
        job.save(path)
        return Program(command=(sys.executable, str(Path(__file__)), name, str(path)))

    return make


# --- this engine --------------------------------------------------------------------------------------------


def engine_winrm(job: Job) -> Program:
    """The whole command line: plan, journal, run, report."""
    steps = [{"script": f"@{{ text = 'bench {number}' }}"} for number in range(job.steps)]
    return _runbook(job, "windows.script", steps, "winrm")


def engine_ssh(job: Job) -> Program:
    steps = [{"argv": ["echo", f"bench {number}"]} for number in range(job.steps)]
    return _runbook(job, "posix.command", steps, "ssh")


def _runbook(job: Job, action: str, steps: list[dict[str, object]], kind: str) -> Program:
    folder = Path(job.folder)
    document = {
        "schema": "runbook/v1",
        "name": "bench",
        "version": "1.0.0",
        "title": "The benchmark's job",
        "purpose": "Time is measured from outside.",
        "hosts": {"every": {"pattern": "all"}},
        "steps": [
            {"id": f"s{number}", "name": f"Step {number}", "action": action, "hosts": "every", "effect": "observe",
             "with": arguments}
            for number, arguments in enumerate(steps)
        ],
    }  # fmt: skip
    (folder / "bench.yaml").write_text(json.dumps(document), encoding="utf-8")
    _inventory(job, folder / "inventory.yaml", kind, "env:BENCH_PASSWORD")

    def check(_said: str) -> None:
        (events,) = folder.glob("state/runs/*/events.jsonl")
        done = sum(_is_answer(json.loads(line)) for line in events.read_text(encoding="utf-8").splitlines())
        if done != len(job.hosts) * job.steps:
            raise SystemExit(f"{done} right answers are on record")

    command = (path_of("runbook"), "run", "bench.yaml", "-i", "inventory.yaml", "-f", str(len(job.hosts)))
    return Program(
        command=(*command, "--state", "state", "--no-color"), environment={"BENCH_PASSWORD": job.password}, check=check
    )


def _is_answer(line: dict[str, Any]) -> bool:
    """A step run that ended well with the text that its step asked for."""
    event = line.get("event", line)
    if event.get("kind") != "step_run_ended":
        return False
    wanted = f"bench {event['step'].removeprefix('s')}"
    result = event["result"]
    return event["status"] == "ok" and wanted in (result.get("text"), str(result.get("stdout")).strip())


def _inventory(job: Job, path: Path, kind: str, password: str) -> None:
    common: dict[str, object] = {"ansible_user": job.user, "ansible_connection": kind}
    if kind == "winrm":
        common |= {"ansible_password": password, "ansible_winrm_scheme": "http", "ansible_winrm_transport": "ntlm"}
    else:
        common |= {"ansible_ssh_private_key_file": job.key_file, "ansible_shell_type": "sh"}
    if kind == "ssh" and password.startswith("env:"):
        common["runbook_known_hosts"] = job.known_hosts
    elif kind == "ssh":
        common["ansible_ssh_common_args"] = f"-o UserKnownHostsFile={job.known_hosts}"
    ports = {one.name: one.winrm_port if kind == "winrm" else one.ssh_port for one in job.hosts}
    hosts = {one.name: {"ansible_host": one.address, "ansible_port": ports[one.name]} for one in job.hosts}
    path.write_text(json.dumps({"all": {"vars": common, "hosts": hosts}}), encoding="utf-8")


def engine_connections(job: Job) -> None:
    """The engine's WinRM alone: no plan, no journal."""
    on_every_host(job, _connection_work)


def _connection_work(job: Job, host: JobHost) -> None:
    from engine.connections import connect
    from engine.model.command import Script
    from engine.model.inventory import Host
    from engine.model.origin import Origin
    from engine.model.result import value_map
    from engine.model.secret import Secret, SecretRef

    described = Host(
        name=host.name,
        address=host.address,
        origin=Origin("benchmark", 1, 1),
        connection="winrm",
        platform="windows",
        port=host.winrm_port,
        user=job.user,
        password=SecretRef("env", "BENCH_PASSWORD"),
        options={"scheme": "http", "transport": "ntlm"},
    )
    connection = connect(described, lambda _: Secret(job.password))
    connection.open(60)
    for step in range(job.steps):
        text = f"param($Arguments)\n@{{ text = 'bench {step}' }}"
        answer = connection.run(Script(name="bench", text=text), 60)
        expect(str(value_map(answer).get("text")), step)
    connection.close()


# --- the others ---------------------------------------------------------------------------------------------


def pywinrm(job: Job) -> None:
    """``Session.run_ps``: a shell and a process for every command, as most scripts use it."""
    on_every_host(job, _pywinrm_work)


def _pywinrm_work(job: Job, host: JobHost) -> None:
    import winrm

    session = winrm.Session(
        f"http://{host.address}:{host.winrm_port}/wsman", auth=(job.user, job.password), transport="ntlm"
    )
    for step in range(job.steps):
        expect(session.run_ps(jobs.powershell_text(step)).std_out.decode(), step)


def pypsrp(job: Job) -> None:
    """One shell a host, a process for every command."""
    on_every_host(job, _pypsrp_work)


def _wsman(job: Job, host: JobHost) -> Any:
    from pypsrp.wsman import WSMan

    return WSMan(
        host.address, port=host.winrm_port, ssl=False, auth="ntlm", username=job.user, password=job.password,
        encryption="always", no_proxy=True,
    )  # fmt: skip


def _pypsrp_work(job: Job, host: JobHost) -> None:
    import base64

    from pypsrp.shell import Process, SignalCode, WinRS

    with _wsman(job, host) as wsman, WinRS(wsman) as shell:
        for step in range(job.steps):
            encoded = base64.b64encode(jobs.powershell_text(step).encode("utf-16-le")).decode()
            process = Process(shell, "powershell", ["-NoProfile", "-EncodedCommand", encoded])
            process.invoke()
            process.signal(SignalCode.CTRL_C)
            expect(process.stdout.decode(), step)


def pypsrp_pool(job: Job) -> None:
    """PowerShell remoting as pypsrp is made for: a runspace pool a host, a pipeline for every command."""
    on_every_host(job, _pypsrp_pool_work)


def _pypsrp_pool_work(job: Job, host: JobHost) -> None:
    from pypsrp.powershell import PowerShell, RunspacePool

    with _wsman(job, host) as wsman, RunspacePool(wsman) as pool:
        for step in range(job.steps):
            pipeline = PowerShell(pool)
            pipeline.add_script(jobs.powershell_text(step))
            expect("".join(str(one) for one in pipeline.invoke()), step)


def nornir(job: Job) -> None:
    """Nornir's threads around pywinrm."""
    from nornir.core import Nornir
    from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
    from nornir.core.task import Result, Task
    from nornir.plugins.runners import ThreadedRunner

    places = {one.name: one for one in job.hosts}

    def work(task: Task) -> Result:
        _pywinrm_work(job, places[task.host.name])
        return Result(host=task.host)

    inventory = Inventory(hosts=Hosts({name: Host(name=name) for name in places}), groups=Groups(), defaults=Defaults())
    done = Nornir(inventory=inventory, runner=ThreadedRunner(num_workers=len(places))).run(task=work)
    if done.failed:
        raise SystemExit(f"nornir: {done.failed_hosts}")


def ansible_winrm(job: Job) -> Program:
    return _playbook(job, "winrm", jobs.powershell_text)


def ansible_ssh(job: Job) -> Program:
    return _playbook(job, "ssh", lambda step: f"echo 'bench {step}'")


def _playbook(job: Job, kind: str, text: Callable[[int], str]) -> Program:
    folder = Path(job.folder)
    tasks = [{"name": f"Step {step}", "raw": text(step)} for step in range(job.steps)]
    play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (folder / "playbook.yaml").write_text(json.dumps(play), encoding="utf-8")
    _inventory(job, folder / "ansible-inventory.yaml", kind, job.password)

    def check(said: str) -> None:
        done = len(re.findall(rf"ok={job.steps}\b.*failed=0", said))
        if done != len(job.hosts) or said.count("bench ") < len(job.hosts) * job.steps:
            raise SystemExit(f"ansible: {done} hosts did it\n{said[-2000:]}")

    return Program(
        command=(
            *(path_of("ansible-playbook"), "-i", "ansible-inventory.yaml", "-f", str(len(job.hosts)), "-v"),
            "playbook.yaml",
        ),
        environment={"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "LC_ALL": "C.UTF-8"},
        check=check,
    )


def pyinfra(job: Job) -> Program:
    folder = Path(job.folder)
    common = {"ssh_user": job.user, "ssh_key": job.key_file, "ssh_known_hosts_file": job.known_hosts}
    hosts = [(one.address, {"ssh_port": one.ssh_port, **common}) for one in job.hosts]
    (folder / "pyinfra_inventory.py").write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
    lines = ["from pyinfra.operations import server", ""]
    lines += [f"server.shell(name='Step {step}', commands=[\"echo 'bench {step}'\"])" for step in range(job.steps)]
    (folder / "pyinfra_deploy.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Program(command=(path_of("pyinfra"), "-y", "pyinfra_inventory.py", "pyinfra_deploy.py"))


def paramiko(job: Job) -> None:
    """One connection a host, a channel for every command; no engine at all."""
    on_every_host(job, _paramiko_work)


def _paramiko_work(job: Job, host: JobHost) -> None:
    from paramiko import RejectPolicy, SSHClient

    with SSHClient() as client:
        client.load_host_keys(job.known_hosts)
        client.set_missing_host_key_policy(RejectPolicy())
        client.connect(host.address, host.ssh_port, job.user, key_filename=job.key_file, look_for_keys=False)
        for step in range(job.steps):
            expect(client.exec_command(f"echo 'bench {step}'")[1].read().decode(), step)


LIBRARIES: Mapping[str, Callable[[Job], None]] = {
    "engine-connections": engine_connections,
    "pywinrm": pywinrm,
    "pypsrp": pypsrp,
    "pypsrp-pool": pypsrp_pool,
    "nornir": nornir,
    "paramiko": paramiko,
}

CONTESTANTS: Mapping[str, Contestant] = {
    "engine": Contestant(protocol="winrm", what="runbook run, whole process", make=engine_winrm),
    "engine-connections": Contestant(
        protocol="winrm", what="its connections alone", make=library("engine-connections")
    ),
    "pywinrm": Contestant(
        protocol="winrm", what="run_ps: a process a command", make=library("pywinrm"), needs=("winrm",)
    ),
    "pypsrp": Contestant(
        protocol="winrm", what="one shell, a process a command", make=library("pypsrp"), needs=("pypsrp",)
    ),
    "pypsrp-pool": Contestant(
        protocol="winrm",
        what="a runspace pool, a pipeline a command",
        make=library("pypsrp-pool"),
        needs=("pypsrp",),
        real_powershell=True,
    ),
    "nornir": Contestant(
        protocol="winrm", what="nornir around pywinrm", make=library("nornir"), needs=("nornir", "winrm")
    ),
    "ansible": Contestant(protocol="winrm", what="ansible-playbook, raw", make=ansible_winrm, needs=("ansible",)),
    "engine-ssh": Contestant(protocol="ssh", what="runbook run, whole process", make=engine_ssh),
    "ansible-ssh": Contestant(protocol="ssh", what="ansible-playbook, raw", make=ansible_ssh, needs=("ansible",)),
    "pyinfra": Contestant(protocol="ssh", what="pyinfra, server.shell", make=pyinfra, needs=("pyinfra",)),
    "paramiko": Contestant(protocol="ssh", what="a channel a command, no engine", make=library("paramiko")),
}


if __name__ == "__main__":
    LIBRARIES[sys.argv[1]](jobs.load(Path(sys.argv[2])))
