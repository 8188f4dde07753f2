"""Twins: each payload run for real, over generated states, against the lab's model of it: same answer, same change."""

import base64
import copy
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from engine.actions.windows_log_search import WindowsLogSearch
from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.behaviours.sql_answers import answer as sql_answer
from engine.lab.behaviours.sql_answers import plain
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_sql import Database, SqlInstance
from engine.model.data import canonical_json
from engine.model.inventory import HostView
from engine.model.packaged import payload
from tests.support.payload_session import ROOT, PayloadSession, find_pwsh, machine_files, read_files

pytestmark = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]
STATES = 110
HOST = HostView(name="SM01", platform="windows")
TEMP = "C:\\Users\\{}\\AppData\\Local\\Temp"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadSession]:
    one = PayloadSession(tmp_path_factory.mktemp("twin"))
    yield one
    one.close()


def new_machine() -> Machine:
    machine = Machine("SM01", LabClock(1362218400.0, speed=0.0001), behaviours=BEHAVIOURS)
    machine.files.make_folder("C:\\Users")
    return machine


def modelled(machine: Machine, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": True, "value": BEHAVIOURS[name](machine, arguments)}
    except PayloadError as problem:
        return {"ok": False, "message": problem.message}


def compare(session: PayloadSession, name: str, arguments: dict[str, Any], expected: dict[str, Any], seed: Any) -> None:
    """One answer against the other; which ``error`` text a parser gives is its own affair."""
    real = session.run(payload(name), arguments)
    assert real["ok"] is expected["ok"], (seed, real, expected)
    if not expected["ok"]:
        assert any(expected["message"] in one["message"] for one in real["errors"]), (seed, real)
        return
    left, right = dict(real["value"]), dict(expected["value"])
    if "error" in left:
        assert (left.pop("error") is None) == (right.pop("error") is None), (seed, real, expected)
    assert canonical_json(left) == canonical_json(right), (seed, arguments)


# -- windows.log_search

WORDS = [
    "CAStartServices: Attempting to start service. OMCFG",
    "CAStartServices: Attempting to start service. OMSDK",
    "castartservices: attempting to start service. healthservice",
    "CAStartServices: StartService failed. Error Code: 0x8007041D.",
    "ConfigureSDKConfigService: CAStartServices failed. Error Code: 0x8007041d. OMCFG",
    "Return value 3.",
    "Gr\u00fc\u00dfe aus M\u00fcnchen (100 %)",
    "",
    "  [brackets] and (parentheses) and $dollars",
    "\u65e5\u672c\u8a9e",
    "x" * 90,
]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16-le-mark", "utf-16-be-mark", "cp1252")
GLOBS = [
    "C:\\Users\\*\\AppData\\Local\\Temp\\**\\SCSM*.log",
    "C:\\Users\\*\\AppData\\Local\\Temp\\SCSM*.log",
    "C:\\Users\\svc-?\\**\\*.LOG",
    "C:\\Users\\bob\\AppData\\Local\\Temp\\scsminstall.log",
    "C:\\**\\*.txt",
    "C:\\Nowhere\\*.log",
    "C:\\*",
]
PATTERNS: list[dict[str, Any]] = [
    {"id": "start", "contains": ["startservice failed", "0x8007041D"]},
    {
        "id": "omcfg",
        "contains": ["0x8007041D"],
        "bind": {"contains": ["Attempting to start service"], "require": ["omcfg"]},
    },
    {"id": "any-bound", "contains": ["Error Code"], "bind": {"contains": ["attempting"], "require": []}},
    {"id": "regex", "regex": r"return value\s+3\.$"},
    {"id": "grouped", "regex": "(return) (no) value"},
    {"id": "regex-bound", "regex": "^ConfigureSDK", "bind": {"regex": r"service\. (OMCFG|OMSDK)$", "require": []}},
    {"id": "repeated", "regex": r"(\w)\1{9}"},
    {"id": "spaced", "regex": "(?x) return \\s value  # as Windows Installer writes it"},
    {"id": "umlaut", "contains": ["M\u00fcnchen"]},
    {"id": "marks", "contains": ["[brackets]", "$dollars"]},
]


LOG_NAMES = ["SCSMInstall.log", "SCSMInstall01.log", "SCSM.txt", "other.log"]


def log_bytes(dice: random.Random) -> bytes:
    lines = [dice.choice(WORDS) for _ in range(dice.randrange(0, 14))]
    text = "".join(line + dice.choice(["\r\n", "\r\n", "\n", "\r"]) for line in lines)
    text = text if dice.random() < 0.7 else text.rstrip("\r\n")
    encoding = dice.choice(ENCODINGS)
    if encoding.endswith("-mark"):
        content = ("\ufeff" + text).encode(encoding.removesuffix("-mark"))
    else:
        content = text.encode(encoding, "replace")
    if dice.random() < 0.1:
        content = content[: dice.randrange(0, len(content) + 1)]
    return content


def log_state(dice: random.Random) -> tuple[Machine, dict[str, Any]]:
    machine = new_machine()
    for user in dice.sample(["bob", "svc-1", "svc-22", "Administrator"], dice.randrange(1, 4)):
        for below in dice.sample(["", "\\1", "\\1\\deep"], dice.randrange(1, 4)):
            for name in dice.sample(
                ["SCSMInstall.log", "SCSMInstall01.log", "SCSM.txt", "other.log"], dice.randrange(0, 4)
            ):
                path = TEMP.format(user) + below + "\\" + name
                machine.files.write(path, log_bytes(dice), modified=1362000000.0 + dice.randrange(10**6))
    arguments = {
        "files": dice.sample(GLOBS, dice.randrange(1, 4)),
        "patterns": dice.sample(PATTERNS, dice.randrange(1, len(PATTERNS))),
        "depth": dice.randrange(0, 7),
        "max_matches": dice.choice([1, 3, 500]),
        "max_bytes": dice.choice([100, 10**6, 10**6]),
        "max_text": dice.choice([20, 1000]),
    }
    return machine, arguments


def test_log_search(session: PayloadSession) -> None:
    seen = 0
    for seed in range(2 * STATES):
        machine, arguments = log_state(random.Random(seed))
        session.become(machine)
        expected = modelled(machine, "windows_log_search.observe.ps1", arguments)
        seen += len(expected["value"]["matches"])
        compare(session, "windows_log_search.observe.ps1", arguments, expected, seed)
    assert seen > STATES


def test_an_expression_that_refers_to_its_own_group_stands_behind_another(session: PayloadSession) -> None:
    machine = new_machine()
    machine.files.write(f"{TEMP.format('ann')}\\SCSM.log", b"one\r\nfailed, failed\r\n", modified=0.0)
    patterns = [{"id": "other", "regex": "(x)(y)"}, {"id": "twice", "regex": r"(\w+), \1"}]
    sent = WindowsLogSearch().observe({"files": [TEMP.format("ann") + "\\*.log"], "patterns": patterns}, HOST, [])
    assert sent is not None
    session.become(machine)
    arguments = dict(sent.arguments)
    expected = modelled(machine, sent.name, arguments)
    assert [one["line"] for one in expected["value"]["matches"]] == [2]
    compare(session, sent.name, arguments, expected, "twice")


# Windows answers a look into a folder without rights with an error, and not with "not there".
NO_RIGHTS = r"""
param($Arguments)
$global:testPath = Get-Command -Name Test-Path -CommandType Cmdlet
function global:Test-Path {
    param($LiteralPath, $PathType = 'Any')
    if ($LiteralPath -like 'C:\Users\bob\AppData*') { throw (New-Object UnauthorizedAccessException 'No rights') }
    & $global:testPath -LiteralPath $LiteralPath -PathType $PathType
}
@{ set = $true }
"""


def test_a_folder_without_rights_is_told_and_the_others_are_searched(tmp_path: Path) -> None:
    machine = new_machine()
    for name in ("ann", "bob", "cem"):
        machine.files.write(f"{TEMP.format(name)}\\SCSMSetup.log", b"Return value 3.\r\n", modified=0.0)
    pattern = {"id": "a", "contains": ["return value 3"]}
    sent = WindowsLogSearch().observe(
        {"files": [TEMP.format("*") + "\\SCSM*.log"], "patterns": [pattern]},
        HostView(name="SM01", platform="windows"),
        [],
    )
    assert sent is not None
    session = PayloadSession(tmp_path)
    try:
        session.become(machine)
        assert session.run(NO_RIGHTS, {})["ok"]
        answer = session.run(payload(sent.name), sent.arguments)
    finally:
        session.close()
    assert answer["ok"], answer["errors"]
    assert [one["path"] for one in answer["value"]["files"]] == [
        TEMP.format(name) + "\\SCSMSetup.log" for name in ("ann", "cem")
    ]
    assert answer["value"]["skipped"] == [{"path": TEMP.format("bob"), "why": "No rights"}]


# -- windows.file

NAMES = ("a.config", "b.log", "new.txt")


def file_state(dice: random.Random) -> Machine:
    machine = new_machine()
    for name in NAMES[:2]:
        if dice.random() < 0.7:
            machine.files.write(f"C:\\Data\\{name}", log_bytes(dice), modified=1362000000.0 + dice.randrange(10**6))
    if dice.random() < 0.9:
        machine.files.make_folder("C:\\Data")
    machine.files.make_folder("C:\\Data\\sub") if dice.random() < 0.3 else None
    return machine


def test_file_observe(session: PayloadSession) -> None:
    for seed in range(STATES):
        dice = random.Random(seed)
        machine = file_state(dice)
        session.become(machine)
        texts = dice.sample(["OMCFG", "0x8007041D", "M\u00fcnchen", "nowhere"], dice.randrange(0, 3))
        for path in ("C:\\Data\\a.config", "C:\\Data\\sub", "C:\\Nowhere\\x", "C:\\Data"):
            arguments = {"path": path, "sha256": dice.random() < 0.5, "contains": texts}
            expected = modelled(machine, "windows_file.observe.ps1", arguments)
            compare(session, "windows_file.observe.ps1", arguments, expected, seed)


def test_file_changes(session: PayloadSession) -> None:
    for seed in range(STATES):
        dice = random.Random(seed)
        machine = file_state(dice)
        root = session.become(machine)
        for _ in range(3):
            verb = dice.choice(["write", "write", "remove", "restore"])
            arguments = {"folder": dice.choice(["C:\\Data", "C:\\Data", "C:\\"]), "name": dice.choice(NAMES)}
            arguments["backup"] = arguments["name"] + ".before-1" if dice.random() < 0.8 else ""
            if verb == "write":
                arguments["content"] = base64.b64encode(dice.randbytes(dice.randrange(0, 40))).decode()
                arguments["backup"] = arguments["name"] + ".before-1"
            if verb == "remove":
                arguments["backup"] = arguments["name"] + ".before-1"
            name = f"windows_file.{verb}.ps1"
            expected = modelled(machine, name, arguments)
            compare(session, name, arguments, expected, seed)
            assert read_files(root) == machine_files(machine), (seed, verb, arguments)


def test_a_file_that_is_called_new_stays_as_it_is(session: PayloadSession) -> None:
    """Both changes write beside the file first, and that name must be nobody else's."""
    config = b"<configuration />"
    machine = new_machine()
    for name in ("x.config", "x.config.new", "y.config.new"):
        machine.files.write(f"C:\\App\\{name}", config if name == "x.config" else b"theirs", modified=0.0)
    root = session.become(machine)
    place = {"folder": "C:\\App", "content": base64.b64encode(b"fresh").decode()}
    for name in ("x.config", "y.config"):
        written = {**place, "name": name, "backup": f"{name}.before-1"}
        assert session.run(payload("windows_file.write.ps1"), written)["ok"]
    back = {**place, "name": "x.config", "backup": "x.config.before-1"}
    assert session.run(payload("windows_file.restore.ps1"), back)["ok"]
    element = {
        "file": "C:\\App\\x.config",
        "parents": [{"name": "configuration", "namespace": None}],
        "element": {"name": "runtime", "namespace": None},
        "attributes": {},
        "key": [],
        "sha256": hashlib.sha256(config).hexdigest(),
        "backup": "x.config.before-2",
    }
    assert session.run(payload("windows_xml_element.ensure.ps1"), element)["ok"]
    files = read_files(root)
    assert files["C:\\App\\x.config.new"] == files["C:\\App\\y.config.new"] == b"theirs"
    names = {path.rpartition("\\")[2] for path in files}
    assert names == {"x.config", "x.config.new", "x.config.before-1", "x.config.before-2", "y.config", "y.config.new"}


# -- windows.xml_element

CONFIGS = [
    "<configuration/>",
    "<configuration></configuration>",
    "<configuration>\n  <runtime/>\n</configuration>",
    '<configuration>\n  <!-- kept -->\n  <runtime>\n    <gcServer enabled="true"/>\n  </runtime>\n</configuration>\n',
    '<configuration><runtime><generatePublisherEvidence enabled="true" other="1"/></runtime></configuration>',
    '<configuration><runtime><generatePublisherEvidence enabled="false"/></runtime></configuration>',
    '<configuration><runtime localName="x" Name="y"><ChildNodes>z</ChildNodes></runtime></configuration>',
    '<configuration><runtime><b xmlns="urn:asm.v1"><dependentAssembly/></b></runtime></configuration>',
    '<c:configuration xmlns:c="urn:c"><c:runtime>&lt;text &amp; more&gt;<![CDATA[<x>]]></c:runtime></c:configuration>',
    '<configuration><runtime><generatePublisherEvidence enabled="false"></runtime></configuration>',
    "<configuration><runtime>",
    "<configuration>&undefined;</configuration>",
    "<other/>",
    "",
    "not xml",
    '<!DOCTYPE configuration [<!ENTITY a "b">]><configuration>&a;</configuration>',
    "<a:configuration/>",
]
EVIDENCE = "generatePublisherEvidence"
PLACES: list[dict[str, Any]] = [
    {
        "parents": ["configuration", "runtime"],
        "element": "generatePublisherEvidence",
        "attributes": {"enabled": "false"},
    },
    {"parents": ["configuration"], "element": "runtime", "attributes": {"mode": "a<b & \"c\" 'd'"}},
    {"parents": ["configuration", "new", "deeper"], "element": "leaf", "attributes": {}},
    {
        "parents": ["configuration", "runtime"],
        "element": "generatePublisherEvidence",
        "attributes": {"enabled": "maybe"},
        "key": ["enabled"],
    },
    {
        "parents": ["configuration", "runtime", "{urn:asm.v1}b"],
        "element": "dependentAssembly",
        "attributes": {"x": "1"},
    },
]


def step(text: str) -> dict[str, Any]:
    namespace, _, name = text.rpartition("}")
    return {"name": name, "namespace": namespace[1:] if namespace else None}


def xml_state(dice: random.Random) -> tuple[Machine, dict[str, Any]]:
    machine = new_machine()
    text = dice.choice(CONFIGS)
    if text.startswith("<") and dice.random() < 0.5:
        text = f'<?xml version="1.0" encoding="{dice.choice(["utf-8", "UTF-8"])}"?>\n' + text
    if dice.random() < 0.5:
        text = text.replace("\n", "\r\n")
    content = text.encode("utf-8-sig" if dice.random() < 0.3 else "utf-8")
    if "?>" not in text and text.startswith("<") and dice.random() < 0.2:
        content = b"\xff\xfe" + text.encode("utf-16-le")
    if dice.random() < 0.95:
        machine.files.write("C:\\App\\x.config", content, modified=1362000000.0)
    place = copy.deepcopy(dice.choice(PLACES))
    arguments = {
        "file": "C:\\App\\x.config",
        "parents": [step(one) for one in place["parents"]],
        "element": step(place["element"]),
        "attributes": place["attributes"],
        "key": place.get("key", []),
    }
    return machine, arguments


def canonical(files: dict[str, bytes]) -> dict[str, str]:
    """XML by its meaning: attribute order and quotes are the writer's own."""
    return {
        path: ElementTree.canonicalize(content) if _parses(content) else repr(content)
        for path, content in files.items()
    }


def _parses(content: bytes) -> bool:
    try:
        ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return False
    return True


def test_xml_element(session: PayloadSession) -> None:
    changed = 0
    for seed in range(2 * STATES):
        machine, arguments = xml_state(random.Random(seed))
        root = session.become(machine)
        expected = modelled(machine, "windows_xml_element.observe.ps1", arguments)
        compare(session, "windows_xml_element.observe.ps1", arguments, expected, seed)
        value = expected["value"]
        if not value["well_formed"]:
            continue
        before = machine.files.get("C:\\App\\x.config")
        assert before is not None
        sha256 = value["sha256"] if seed % 10 else "0" * 64
        change = {**arguments, "sha256": sha256, "backup": "x.config.before-1"}
        expected = modelled(machine, "windows_xml_element.ensure.ps1", change)
        compare(session, "windows_xml_element.ensure.ps1", change, expected, seed)
        real = read_files(root)
        assert canonical(real) == canonical(machine_files(machine)), (seed, real, machine_files(machine))
        if expected["ok"]:
            changed += 1
            kept(before.content, real["C:\\App\\x.config"], seed)
            after = modelled(machine, "windows_xml_element.observe.ps1", arguments)
            digest = hashlib.sha256(real["C:\\App\\x.config"]).hexdigest()
            real_answer = session.run(payload("windows_xml_element.observe.ps1"), arguments)
            assert real_answer["value"]["attributes"] == after["value"]["attributes"], seed
            assert real_answer["value"]["sha256"] == digest, seed
            assert after["value"]["element_found"], seed
    assert changed > STATES // 2


def kept(before: bytes, after: bytes, seed: int) -> None:
    """Mark, declaration and line ends are those of the original."""
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe"):
        assert before.startswith(mark) == after.startswith(mark), (seed, before, after)
    assert (b"<?xml" in before) == (b"<?xml" in after), (seed, before, after)
    if b"\r\n" in before:
        assert after.count(b"\n") == after.count(b"\r\n"), (seed, before, after)


# A policy lets .NET give only what is validated for FIPS 140, and PowerShell 2.0 has not loaded the assembly with that.
FIPS = r"""
param($Arguments)
$global:newObject = Get-Command -Name New-Object -CommandType Cmdlet
function global:New-Object {
    $what = $args -join ' '
    if ($what -like '*SHA256Managed*') { throw (& $global:newObject InvalidOperationException 'not validated') }
    if ($what -like '*SHA256CryptoServiceProvider*' -and -not (Test-Core)) { throw 'Cannot find type' }
    & $global:newObject @args
}
function global:Test-Core {
    @([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { $_.GetName().Name -eq 'System.Core' }).Length -gt 0
}
@{ loaded = (Test-Core) }
"""


def test_digests_where_only_validated_algorithms_are_let_in(tmp_path: Path) -> None:
    config = b"<configuration><runtime /></configuration>"
    digest = hashlib.sha256(config).hexdigest()
    machine = new_machine()
    machine.files.write("C:\\App\\x.config", config, modified=0.0)
    machine.files.write("C:\\App\\x.part", config, modified=0.0)
    place = {"file": "C:\\App\\x.config", "parents": [{"name": "configuration", "namespace": None}], "key": []}
    element = {**place, "element": {"name": "runtime", "namespace": None}, "attributes": {"a": "b"}}
    put = {"operation": "finish", "part": "C:\\App\\x.part", "path": "C:\\App\\y", "size": len(config)}
    session = PayloadSession(tmp_path)
    try:
        root = session.become(machine)
        assert session.run(FIPS, {})["value"] == {"loaded": False}
        looks = [
            session.run(payload(name), arguments)
            for name, arguments in (
                ("windows_file.observe.ps1", {"path": "C:\\App\\x.config", "sha256": True, "contains": []}),
                ("windows_xml_element.observe.ps1", element),
            )
        ]
        arrived = session.run(
            (ROOT / "engine" / "connections" / "file_put.ps1").read_text("ascii"), {**put, "sha256": digest}
        )
        changed = session.run(payload("windows_xml_element.ensure.ps1"), {**element, "sha256": digest, "backup": "old"})
    finally:
        session.close()
    assert [one["ok"] and one["value"]["sha256"] for one in looks] == [digest, digest], looks
    assert arrived["ok"], arrived
    assert changed["ok"], changed
    assert read_files(root)["C:\\App\\y"] == config
    assert b'<runtime a="b"' in read_files(root)["C:\\App\\x.config"]


# -- service_manager.installation


def installation_state(dice: random.Random) -> Machine:
    machine = new_machine()
    software = "HKLM\\SOFTWARE\\Microsoft"
    registry = machine.registry
    for branch in dice.sample(["2010", "2012", "2016"], dice.randrange(0, 3)):
        top = f"{software}\\System Center\\{branch}"
        if dice.random() < 0.8:
            registry.make_key(f"{top}\\Service Manager\\Setup")
            if dice.random() < 0.7:
                registry.set(f"{top}\\Service Manager\\Setup", "InstallDirectory", f"C:\\SM {branch}\\")
            if dice.random() < 0.2:
                registry.set(f"{top}\\Service Manager\\Setup", "PortalVirtualDirectory", "SMPortal")
        if dice.random() < 0.5:
            registry.set(f"{top}\\Common\\Setup", "InstallDirectory", "D:\\Common")
        if dice.random() < 0.8:
            registry.set(f"{top}\\Common\\SDK Service", "SDK Service Type", dice.choice([1, 2]))
        for value in ("DatabaseServerName", "DatabaseName", "StagingSQLInstance", "RepositoryDatabaseName"):
            if dice.random() < 0.5:
                registry.set(f"{top}\\Common\\Database", value, dice.choice(["SQL01", "ServiceManager", ""]))
    add_programs(machine, dice)
    return machine


def add_programs(machine: Machine, dice: random.Random) -> None:
    software = "HKLM\\SOFTWARE\\Microsoft"
    registry = machine.registry
    for marker in ("Server", "Agent"):
        if dice.random() < 0.5:
            registry.make_key(f"{software}\\Microsoft Operations Manager\\3.0\\{marker} Management Groups")
    for instance in dice.sample(["MSSQLSERVER", "SM", "dw"], dice.randrange(0, 3)):
        registry.set(f"{software}\\Microsoft SQL Server\\Instance Names\\SQL", instance, f"MSSQL10_50.{instance}")
    programs = ["System Center 2012 - Service Manager", "Microsoft service manager Console", "SQL Server 2008 R2"]
    for number, name in enumerate(dice.sample(programs, dice.randrange(0, 4))):
        key = f"{software}\\Windows\\CurrentVersion\\Uninstall\\{{{dice.randrange(10)}-{number}}}"
        registry.set(key, "DisplayName", name)
        if dice.random() < 0.8:
            registry.set(key, "DisplayVersion", dice.choice(["7.5.1561.0", "7.5.2905.0"]))


def test_installation(session: PayloadSession) -> None:
    for seed in range(STATES):
        machine = installation_state(random.Random(seed))
        session.become(machine)
        expected = modelled(machine, "service_manager_installation.observe.ps1", {})
        compare(session, "service_manager_installation.observe.ps1", {}, expected, seed)


# -- mssql.query and service_manager.versions

QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("SELECT name, state_desc FROM sys.databases", {}),
    ("SELECT name, database_id, is_broker_enabled FROM sys.databases WHERE name = @name", {"name": "ServiceManager"}),
    ("SELECT name, value_in_use FROM sys.configurations WHERE name = 'clr enabled'", {}),
    ("SELECT SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('Edition') AS edition", {}),
    ("SELECT name, name FROM sys.databases", {}),
    ("SELECT compatibility_level FROM sys.databases ORDER BY name;", {}),
    ("SELECT 1 FROM dbo.unknown_table", {}),
]
SHIPPED = tuple(f"service_manager_versions.{one}.sql" for one in ("names", "version", "packs"))


def sql_state(dice: random.Random) -> Machine:
    machine = new_machine()
    machine.sql = SqlInstance(name=dice.choice(["", "SM"]))
    for name in dice.sample(["ServiceManager", "DWStagingAndConfig", "DWRepository", "Other"], dice.randrange(0, 5)):
        packs = {"System.WorkItem.Library": "7.5.1561.0"} if dice.random() < 0.5 else {}
        machine.sql.add(
            Database(
                name=name,
                product_version=dice.choice(["7.5.1561.0", "7.5.2905.0", None]),
                state=dice.choice(["ONLINE", "ONLINE", "ONLINE", "RESTORING"]),
                broker_enabled=dice.random() < 0.5,
                management_packs=packs,
            )
        )
    return machine


def rules_of(machine: Machine, instance: str, queries: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Answers for the scripted server, out of the machine's SQL state, for each database and query."""
    rules: list[dict[str, Any]] = []
    source = ".\\" + instance if instance else "."
    for database in ("master", "ServiceManager", "DWStagingAndConfig", "DWRepository", "Other", "Gone"):
        for query, params in queries:
            text = plain(query)
            rule: dict[str, Any] = {"match": f"^{_literally(text)};?\\s*$", "database": database, "server": source}
            if params:
                rule["params"] = params
            try:
                found = sql_answer(machine, instance, database, query, params)
            except PayloadError as problem:
                rule["error"] = {"number": 208, "class": 16, "state": 1, "line": 1, "message": problem.message}
            else:
                columns = [{"name": name, "type": kind} for name, kind in found.columns]
                rule["results"] = [{"columns": columns, "rows": [list(row) for row in found.rows]}]
            rules.append(rule)
    return rules


def _literally(text: str) -> str:
    return "".join("\\" + one if one in "\\.()*+?[]{}|^$" else one for one in text)


def test_query(session: PayloadSession) -> None:
    for seed in range(STATES):
        dice = random.Random(seed)
        machine = sql_state(dice)
        assert machine.sql is not None
        instance = machine.sql.name
        session.become(machine, rules_of(machine, instance, QUERIES))
        for query, params in QUERIES:
            arguments = {
                "query": query,
                "params": params,
                "database": "master",
                "instance": instance,
                "max_rows": dice.choice([1, 4, 1000]),
                "timeout_s": 30,
            }
            expected = modelled(machine, "mssql_query.observe.ps1", arguments)
            compare(session, "mssql_query.observe.ps1", arguments, expected, (seed, query))


def test_database_versions(session: PayloadSession) -> None:
    shipped = [(payload(name), {}) for name in SHIPPED]
    for seed in range(STATES):
        dice = random.Random(seed)
        machine = sql_state(dice)
        assert machine.sql is not None
        instance = machine.sql.name
        session.become(machine, rules_of(machine, instance, shipped))
        arguments = {
            "instance": instance,
            "databases": dice.choice([[], ["ServiceManager"], ["ServiceManager", "DWRepository", "Gone"]]),
            **{f"{one.split('.')[1]}_query": payload(one) for one in SHIPPED},
        }
        expected = modelled(machine, "service_manager_versions.databases.ps1", arguments)
        compare(session, "service_manager_versions.databases.ps1", arguments, expected, seed)


# A reader that is closed reads the rest of its rows first, unless its command was cancelled, as its reference says.
MANY_ROWS = r"""
param($Arguments)
$global:newObject = Get-Command -Name New-Object -CommandType Cmdlet
$global:sent = @()
function global:New-Part($Methods) {
    $part = & $global:newObject PSObject
    foreach ($name in $Methods.Keys) {
        Add-Member -InputObject $part -MemberType ScriptMethod -Name $name -Value $Methods[$name]
    }
    $part
}
function global:New-Object {
    if ($args[0] -ne 'Data.SqlClient.SqlConnection') { & $global:newObject @args; return }
    New-Part @{
        Open = { }
        Close = { $global:sent += 'connection closed' }
        CreateCommand = {
            $command = New-Part @{
                Cancel = { $global:sent += 'cancelled' }
                ExecuteReader = {
                    $reader = New-Part @{
                        GetName = { 'a' }; GetDataTypeName = { 'int' }; GetValue = { 7 }
                        Read = { $global:rows -ge ($global:row += 1) }; Close = { $global:sent += 'reader closed' }
                    }
                    Add-Member -InputObject $reader -MemberType NoteProperty -Name FieldCount -Value 1
                    $reader
                }
            }
            Add-Member -InputObject $command -MemberType NoteProperty -Name CommandText -Value ''
            Add-Member -InputObject $command -MemberType NoteProperty -Name CommandTimeout -Value 0
            $command
        }
    }
}
$global:row = 0
$global:rows = $Arguments.rows
@{ set = $true }
"""


@pytest.mark.parametrize(
    ("rows", "sent"),
    [
        (3, ["reader closed", "connection closed"]),
        (4, ["cancelled", "reader closed", "connection closed"]),
        (10**9, ["cancelled", "reader closed", "connection closed"]),
    ],
)
def test_rows_that_nobody_asked_for_are_not_read(tmp_path: Path, rows: int, sent: list[str]) -> None:
    session = PayloadSession(tmp_path)
    try:
        assert session.run(MANY_ROWS, {"rows": rows})["ok"]
        arguments = {"query": "SELECT 7 AS a", "database": "master", "instance": "", "params": {}, "timeout_s": 60}
        answer = session.run(payload("mssql_query.observe.ps1"), {**arguments, "max_rows": 3})
        told = session.run("param($Arguments)\n@{ sent = $global:sent }", {})
    finally:
        session.close()
    assert answer["ok"], answer["errors"]
    assert answer["value"]["rows"] == [{"a": 7}] * 3
    assert answer["value"]["truncated"] is (rows > 3)
    assert told["value"]["sent"] == sent
