"""Twins of the payloads about Service Manager: the key backup, management packs and their files, warehouse jobs."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_product import (
    SERVICE_MANAGER_MODULE,
    WAREHOUSE_MODULE,
    Pack,
    PackStore,
    ServerProduct,
    WarehouseJob,
    read_pack,
)
from engine.lab.machine_services import Service
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.pwsh import Powershell, find_powershell
from engine.lab.pwsh_state import state_of, take_over, write_drive
from engine.model.data import canonical_json
from engine.model.packaged import payload
from tests.support.payload_session import machine_files, read_files
from tests.support.twin import NO_POWERSHELL, modelled, powershell_at_hand

pytestmark = [pytest.mark.pwsh, pytest.mark.skipif(not powershell_at_hand(), reason=NO_POWERSHELL)]
STATES = 110
PROGRAM = "C:\\SM"
NOW = 1362218400
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
NAMES = ["Contoso.One", "Contoso.Two", "Contoso.Three & Four", "System.Library", "ServiceManager.Core"]


@pytest.fixture(scope="module")
def powershell() -> Iterator[Powershell]:
    program = find_powershell()
    assert program is not None
    with Powershell(program, {"TZ": "UTC"}) as one:
        yield one


def new_machine(rng: random.Random) -> Machine:
    machine = Machine("SM01", LabClock(float(NOW), speed=None))
    for log in ("System", "Application"):
        machine.events.make(log)
    state = rng.choice(["Running", "Running", "Running", "Running", "Stopped"])
    machine.services.add(Service(name="OMSDK", display_name="Data Access", path="x", state=state, process_id=4))
    for name in (SERVICE_MANAGER_MODULE, WAREHOUSE_MODULE):
        if rng.random() < 0.92:
            machine.files.write(f"{PROGRAM}\\{name}", b"@{ }", modified=NOW)
    machine.files.make_folder(PROGRAM)
    machine.product = ServerProduct(
        folder=PROGRAM, installed_at=NOW - 1000.0, store=new_store(rng) if rng.random() < 0.95 else None
    )
    names = rng.sample(
        ["MPSyncJob", "Transform.Common", "Load.Common", "Extract_SM", "DWMaintenance"], k=rng.randrange(6)
    )
    for name in names:
        job = WarehouseJob(name=name, scheduled=rng.choice([True, False, None]), until=rng.choice([0.0, NOW + 60.0]))
        machine.product.jobs[name] = job
    return machine


def new_store(rng: random.Random) -> PackStore:
    sql = SqlInstance()
    database = Database(name="ServiceManager", state=rng.choice(["ONLINE"] * 9 + ["RESTORING"]))
    store = PackStore(sql=sql, database="ServiceManager")
    for name in rng.sample(NAMES, k=rng.randrange(6)):
        database.management_packs[name] = rng.choice(["7.5.1561.0", "1.0.0.7", "1.0.0.10"])
        if name.startswith("Contoso"):
            store.unsealed[name] = tuple(rng.sample(NAMES, k=rng.randrange(3)))
    sql.add(database)
    return store


def a_file(rng: random.Random) -> bytes:
    """A management pack in some encoding, or something that is none."""
    pack = Pack(
        name=rng.choice(NAMES),
        version=rng.choice(["1.0.0.7", "2.0.0.0"]),
        sealed=False,
        references=tuple(rng.sample(NAMES, k=rng.randrange(3))),
    )
    text = pack.xml()
    return rng.choice(
        [
            text.encode(),
            text.encode(),
            text.encode("utf-8-sig"),
            b'<?xml version="1.0" encoding="iso-8859-1"?>' + text.encode(),
            ('<?xml version="1.0" encoding="utf-16"?>' + text).encode("utf-16"),
            text.replace("<Identity>", "<Identity><!-- a comment -->").encode(),
            text.replace("<ID>", "<ID><![CDATA[").replace("</ID>", "]]></ID>").replace("&amp;", "&").encode(),
            text.replace("Version>", "Number>").encode(),
            text.replace("ManagementPack>", "Pack>").encode(),
            text[:-5].encode(),
            b"<ManagementPack/>",
            b"",
            b"MZ\x00\xff",
        ]
    )


def with_folder(rng: random.Random) -> Machine:
    machine = new_machine(rng)
    machine.files.make_folder("C:\\Packs")
    for name in rng.sample(["a.xml", "b.XML", "c.xml", "notes.txt", "sealed.mp", "d"], k=rng.randrange(5)):
        machine.files.write(f"C:\\Packs\\{name}", a_file(rng), modified=NOW)
    if rng.random() < 0.2:
        machine.files.write("C:\\Packs\\inner\\e.xml", a_file(rng), modified=NOW)
    return machine


class Twin:
    """Runs a payload for real on a machine's state and by the model, and holds answer and change together."""

    def __init__(self, powershell: Powershell, folder: Path) -> None:
        self.powershell, self.folder, self.count = powershell, folder, 0

    def compare(self, machine: Machine, name: str, arguments: Mapping[str, Any], seed: object) -> str:
        self.count += 1
        root = self.folder / str(self.count)
        root.mkdir()
        write_drive(machine, root)
        before = state_of(machine, root)
        self.powershell.become(before)
        real = self.powershell.run(payload(name), arguments)
        exported, files = self.powershell.export(), read_files(root)
        expected = modelled(machine, name, arguments)
        about = (name, seed, dict(arguments))
        assert real["ok"] is expected["ok"], (about, real, expected)
        if expected["ok"]:
            assert plain(real["value"]) == plain(expected["value"]), about
        else:
            assert real["errors"][0]["message"] == expected["message"], about
        assert files == machine_files(machine), about
        self._same_product(machine, before, exported, about)
        return "ok" if expected["ok"] else "failed"

    def _same_product(self, machine: Machine, before: Any, exported: Any, about: object) -> None:
        """What the script left is what the model left, also once the lab has taken it over."""
        product = machine.product
        assert product is not None
        left = state_of(machine)["product"]
        assert known(exported["product"]) == known(left), about
        take_over(machine, {**before, "product": exported["product"]}, before)
        assert known(state_of(machine)["product"]) == known(left), about


def known(product: Any) -> tuple[Any, Any]:
    packs = product["packs"]
    return (
        None if packs is None else sorted((one["name"], one["version"], one["sealed"]) for one in packs),
        [(one["name"], one["scheduled"]) for one in product["jobs"]],
    )


def plain(value: Any) -> str:
    """In one form; when a folder was made cannot be planted, so only whether it is known counts."""
    told = dict(value)
    if "folder_created" in told:
        told["folder_created"] = told["folder_created"] is not None
    return canonical_json(told)


@pytest.fixture
def twin(powershell: Powershell, tmp_path: Path) -> Twin:
    return Twin(powershell, tmp_path)


def module(name: str = SERVICE_MANAGER_MODULE) -> dict[str, str]:
    return {"module": f"{PROGRAM}\\{name}"}


def test_key_backup(twin: Twin) -> None:
    ended: Counter[tuple[bool, bool]] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = new_machine(rng)
        if rng.random() < 0.8:
            machine.files.write(
                "C:\\Keys\\SM01.bin", rng.choice([b"", b"key", b"k" * 900]), modified=NOW - rng.randrange(10**7)
            )
        for number in range(rng.randrange(4)):
            key = f"{UNINSTALL}\\{{{number}}}"
            machine.registry.set(
                key,
                "DisplayName",
                rng.choice(["Microsoft System Center 2012 - Service Manager", "service manager console", "Other", 5]),
            )
            date = rng.choice(["20120601", "20130229", "2012-06-01", "", 20120601, None, "2012\u06610601"])
            if date is not None:
                machine.registry.set(key, "InstallDate", date)
        arguments = {
            "path": rng.choice(["C:\\Keys\\SM01.bin"] * 6 + ["C:\\Keys", "C:\\Nowhere\\x.bin"]),
            "folder": rng.choice([PROGRAM, PROGRAM + "\\", "C:\\Gone", None]),
        }
        value = modelled(machine, "service_manager_key_backup.observe.ps1", arguments)["value"]
        ended[value["found"], any(one["installed"] for one in value["programs"])] += 1
        twin.compare(machine, "service_manager_key_backup.observe.ps1", arguments, seed)
    assert len(ended) == 4, ended


def test_packs_of_a_server(twin: Twin) -> None:
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        machine = new_machine(random.Random(seed))
        ended[twin.compare(machine, "service_manager_management_packs.observe.ps1", module(), seed)] += 1
    assert min(ended["ok"], ended["failed"]) > 15, ended


def test_packs_of_a_folder(twin: Twin) -> None:
    files = 0
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = with_folder(rng)
        arguments = {"folder": rng.choice(["C:\\Packs"] * 6 + ["C:\\Gone", f"{PROGRAM}\\{SERVICE_MANAGER_MODULE}"])}
        twin.compare(machine, "service_manager_management_packs.folder.ps1", arguments, seed)
        files += sum(read_pack(one.content) is not None for one in machine.files)
    assert files > STATES // 2


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("service_manager_management_packs.folder.ps1", {}),
        ("service_manager_management_packs.remove.ps1", {"names": ["Contoso.One"]}),
    ],
)
def test_a_pack_that_somebody_holds_open_is_not_taken_for_none(
    powershell: Powershell, tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    """It would be told as a file that is no management pack, and an undo would leave it behind without a word."""
    fcntl = pytest.importorskip("fcntl")
    machine = new_machine(random.Random(1))
    pack = Pack(name="Contoso.One", version="1.0.0.0", sealed=False, references=())
    machine.files.write("C:\\Packs\\held.xml", pack.xml().encode(), modified=NOW)
    machine.files.write("C:\\Packs\\other.xml", pack.xml().encode(), modified=NOW)
    write_drive(machine, tmp_path)
    powershell.become(state_of(machine, tmp_path))
    with (tmp_path / "Packs" / "held.xml").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = powershell.run(payload(name), {"folder": "C:\\Packs", **arguments})
    assert not answer["ok"], answer
    assert answer["errors"][0]["message"].startswith("The file held.xml cannot be read: "), answer
    assert (tmp_path / "Packs" / "other.xml").exists() is ("names" not in arguments)


def test_export_and_its_undo(twin: Twin) -> None:
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = new_machine(rng)
        if rng.random() < 0.9:
            machine.files.write("C:\\Packs\\keep.xml", a_file(rng), modified=NOW)
        names = rng.sample([*NAMES, "contoso.one"], k=rng.randrange(1, 5))
        arguments = {**module(), "folder": rng.choice(["C:\\Packs", "C:\\Packs\\"]), "names": names}
        ended[twin.compare(machine, "service_manager_management_packs.export.ps1", arguments, seed)] += 1
        undo = {"folder": arguments["folder"], "names": names}
        twin.compare(machine, "service_manager_management_packs.remove.ps1", undo, seed)
    assert min(ended["ok"], ended["failed"]) > 15, ended


def test_import(twin: Twin) -> None:
    ended: Counter[str] = Counter()
    for seed in range(2 * STATES):
        rng = random.Random(seed)
        machine = new_machine(rng)
        machine.files.write("C:\\Packs\\a.xml", a_file(rng), modified=NOW)
        arguments = {**module(), "file": rng.choice(["C:\\Packs\\a.xml"] * 9 + ["C:\\Packs\\gone.xml"])}
        if sealed_there(machine):
            continue
        ended[twin.compare(machine, "service_manager_management_packs.import.ps1", arguments, seed)] += 1
    assert min(ended["ok"], ended["failed"]) > 15, ended


def sealed_there(machine: Machine) -> bool:
    """True if the file's pack is sealed on the server: the action refuses that, so no payload is ever sent."""
    file, product = machine.files.get("C:\\Packs\\a.xml"), machine.product
    pack = read_pack(file.content) if file else None
    packs = product.store.packs() if product and product.store else None
    return pack is not None and any(one.sealed and one.name == pack.name for one in packs or ())


def test_warehouse_jobs(twin: Twin) -> None:
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        machine = new_machine(random.Random(seed))
        ended[twin.compare(machine, "service_manager_warehouse_jobs.observe.ps1", module(WAREHOUSE_MODULE), seed)] += 1
    assert min(ended["ok"], ended["failed"]) > 15, ended


def test_warehouse_schedules(twin: Twin) -> None:
    ended: Counter[str] = Counter()
    for seed in range(STATES):
        rng = random.Random(seed)
        machine = new_machine(rng)
        assert machine.product is not None
        there = [name for name, one in machine.product.jobs.items() if one.scheduled is not None]
        names = there if there and rng.random() < 0.8 else [*there, "Gone", *there]
        arguments = {**module(WAREHOUSE_MODULE), "names": names, "enabled": rng.random() < 0.5}
        ended[twin.compare(machine, "service_manager_warehouse_jobs.schedules.ps1", arguments, seed)] += 1
    assert min(ended["ok"], ended["failed"]) > 15, ended


SILENT = """param($Arguments)
$known = ${function:Get-SCDWJobSchedule}
function global:Get-SCDWJobSchedule { New-Object -TypeName PSObject -Property @{ Name = 'MPSyncJob' } }
$look = [ScriptBlock]::Create($Arguments.look)
try { & $look $Arguments } finally { ${function:global:Get-SCDWJobSchedule} = $known }
"""


def test_a_schedule_that_does_not_tell_is_not_taken_for_one_that_is_off(twin: Twin) -> None:
    machine = new_machine(random.Random(1))
    machine.files.write(f"{PROGRAM}\\{WAREHOUSE_MODULE}", b"@{ }", modified=NOW)
    root = twin.folder / "silent"
    root.mkdir()
    write_drive(machine, root)
    twin.powershell.become(state_of(machine, root))
    look = payload("service_manager_warehouse_jobs.observe.ps1")
    real: Any = twin.powershell.run(SILENT, {**module(WAREHOUSE_MODULE), "look": look})
    assert real["ok"] is False, real
    assert real["errors"][0]["message"] == "The schedule of MPSyncJob does not tell whether it is on."
