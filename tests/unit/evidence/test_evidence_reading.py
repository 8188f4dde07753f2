# ruff: noqa: E501, PLC0207 - evidence is quoted as it stands
"""Whatever is brought: encodings, shapes, damage. The reader never raises and never passes anything over in silence."""

import io
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.app.triage import triage_evidence, triage_spec
from engine.reporting.triage_text import triage_json, triage_text

SPEC = triage_spec()
S1 = (
    "CAStartServices: Attempting to start service. OMCFG\r\n"
    "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
    "ConfigureSDKConfigService: CAStartServices failed. Error Code: 0x8007041D. OMCFG\r\n"
)
EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Service Control Manager'/><EventID Qualifiers='49152'>7009</EventID>"
    "<TimeCreated SystemTime='2013-02-02T18:05:12.0Z'/><Computer>SM01</Computer></System><EventData>"
    "<Data Name='param1'>30000</Data><Data Name='param2'>System Center Management Configuration</Data>"
    "</EventData></Event>"
)


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def seen(result, signature):
    every = (*result.supporting, *result.contradicting, *result.noted)
    return [one for one in every if one.signature == signature]


@pytest.mark.parametrize(
    "content",
    [
        S1.encode("cp1252") + b"\xfcber\r\n",
        b"\xef\xbb\xbf" + S1.encode(),
        b"\xff\xfe" + S1.encode("utf-16-le"),
        b"\xfe\xff" + S1.encode("utf-16-be"),
        S1.encode("utf-16-le"),
        S1.encode("utf-16-be"),
        b"\xff\xfe" + S1.encode("utf-16-le") + b"x",
        S1.replace("\r\n", "\r").encode(),
        S1.upper().encode(),
    ],
)
def test_encodings(tmp_path, content):
    put(tmp_path, "hosts/SM01/logs/SCSMInstall.log", content)
    result = triage_evidence([tmp_path], SPEC)
    assert [one.line for one in seen(result, "S1")] == [2, 3]
    assert result.suspected == "configuration-service-timeout"


def test_binding_holds_across_pieces(tmp_path):
    first, rest = S1.split("\r\n", 1)
    filler = "noise of a setup log\n" * 80_000
    put(tmp_path, "hosts/SM01/logs/a.log", filler + first + "\n" + filler + rest)
    assert [one.line for one in seen(triage_evidence([tmp_path], SPEC), "S1")] == [160_002, 160_003]


def test_very_long_line(tmp_path):
    put(tmp_path, "hosts/SM01/logs/a.log", S1.split("\r\n")[0] + "\n" + "x" * 3_000_000 + S1.split("\r\n")[1] + "\n")
    assert [one.line for one in seen(triage_evidence([tmp_path], SPEC), "S1")] == [2]


CSV = {
    "get-eventlog": '#TYPE System.Diagnostics.EventLogEntry\r\n"EventID","MachineName","Message","Source","InstanceId"\r\n'
    '"7009","SM01","A timeout was reached (30000 milliseconds)\r\nwhile waiting for the System Center Management '
    'Configuration service to connect.","Service Control Manager","3221232481"\r\n',
    "semicolons": '"Message";"Id";"ProviderName"\n"Timeout (30000 milliseconds) waiting for the System Center Management '
    'Configuration service to connect.";"7009";"Service Control Manager"\n',
    "qualified": '"InstanceId","Source","Message"\n"3221232481","Service Control Manager","x System Center Management '
    'Configuration x"\n',
    # The event viewer's own "Save as CSV" names no column for the message.
    "event viewer": "Level,Date and Time,Source,Event ID,Task Category\r\nError,2/2/2013 7:05:12 PM,Service Control "
    'Manager,7009,None,"A timeout was reached (30000 milliseconds) while waiting for the System Center Management '
    'Configuration service to connect."\r\n',
}


@pytest.mark.parametrize("name", CSV)
def test_event_tables(tmp_path, name):
    put(tmp_path, "hosts/SM01/events/System.csv", CSV[name])
    assert len(seen(triage_evidence([tmp_path], SPEC), "7009")) == 1


@pytest.mark.parametrize("text", [EVENT, EVENT + EVENT, f"<?xml version='1.0'?>\n<Events>\n{EVENT}\n{EVENT}</Events>"])
def test_event_xml(tmp_path, text):
    put(tmp_path, "hosts/SM01/events/System.xml", text)
    result = triage_evidence([tmp_path], SPEC)
    assert len(seen(result, "7009")) == text.count("</Event>")
    assert result.row == "D11"
    assert result.suspected == "configuration-service-timeout"


def test_old_events_do_not_count(tmp_path):
    put(tmp_path, "evidence.yaml", "upgrade: {started_at: 2013-02-03T00:00:00Z}\n")
    put(tmp_path, "hosts/SM01/events/System.xml", EVENT)
    result = triage_evidence([tmp_path], SPEC)
    assert result.suspected is None
    assert seen(result, "7009")[0].superseded


def collector(folder: Path, base: str) -> None:
    put(folder, f"{base}/SCSM_SetupLogFiles/admin/SCSMInstall.log", b"\xff\xfe" + S1.encode("utf-16-le"))
    put(folder, f"{base}/Hostname_fqdn.txt", "\ufeffSM01.contoso.com\r\n")
    put(folder, f"{base}/ScsmRolesFound.txt", "\ufeffThis is the Primary/Workflow mgmt server.\r\n")
    version = '#TYPE x\r\n"DisplayName","DisplayVersion","Publisher"\r\n"Microsoft System Center 2012 - Service Manager","7.5.1561.0","M"\r\n'
    put(folder, f"{base}/SCSM_Version.csv", "\ufeff" + version)
    table = '\r\n"tableName","DBVersion"\r\n"__MOMManagementGroupInfo__","7.5.1561.0"\r\n\r\n/*-----\r\nselect 1\r\n-----*/\r\n'
    put(folder, f"{base}/SQL_MOMManagementGroupInfo.csv", table)


BASELINE = 'hosts: {sm01: {role: management-server, versions: {binaries: "7.5.1561.0", databases: {ServiceManager: "7.5.1561.0"}}}}\n'


@pytest.mark.parametrize("zipped", [False, True])
def test_diagnostic_tool(tmp_path, zipped):
    base = tmp_path / "src"
    collector(base, "SCSM_DIAG_2013-02-02__20.30.00.000/Collector")
    source = base
    if zipped:
        source = Path(shutil.make_archive(str(tmp_path / "SCSM_DIAG"), "zip", base))
    other = tmp_path / "written"
    put(other, "baseline.yaml", BASELINE)
    result = triage_evidence([source, other], SPEC)
    assert (result.row, result.verdict) == ("D1", "configuration-service-timeout")
    assert {one.host for one in seen(result, "S1")} == {"SM01"}


def test_hostile_zip(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.log", S1)
        archive.writestr("bomb.log", b"\0" * 60_000_000)
        archive.writestr("hosts/SM01/logs/a.log", S1)
    put(tmp_path, "e.zip", buffer.getvalue())
    result = triage_evidence([tmp_path / "e.zip"], SPEC)
    why = " ".join(one.why for one in result.missing)
    assert "leads outside" in why
    assert "times its size" in why
    assert len(seen(result, "S1")) == 2


DAMAGE = {
    "evidence.yaml": ("a: [", 1), "hosts/SM01/host.yaml": ("role: king\n", 1), "baseline.yaml": ("hosts: 7\n", 1),
    "hosts/SM01/events/a.xml": ("\n<Event><System><EventID>7009", 2), "hosts/SM01/events/b.csv": ("nothing,here\n1,2\n", 1),
    "hosts/SM01/events/c.evtx": ("ElfFile\0rubbish", None), "hosts/SM01/logs/empty.log": ("", None),
    "hosts/SM01/registry/a.reg": ("Windows Registry Editor Version 5.00\n[HKEY_X\\Y]\nrubbish\n", 3),
    "x.zip": ("PK\3\4rubbish", None), "photo.jpg": ("\x00\x01\x02\x03rubbish\x05" * 9, None),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_with_its_place(tmp_path, name):
    text, line = DAMAGE[name]
    put(tmp_path, name, text)
    put(tmp_path, "hosts/SM02/logs/good.log", S1)
    result = triage_evidence([tmp_path], SPEC)
    assert name in [one.file for one in result.missing if one.line == line or line is None]
    assert len(seen(result, "S1")) == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        sorted({*DAMAGE, "hosts/SM01/logs/a.log", "SCSM_Version.csv", "SystemCenter.regValues.txt", "b.evtx"})
    ),
    st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda one: one.encode("utf-8", "replace"))),
    st.sampled_from([b"", b"\xff\xfe", b"<Event ", b"Id,Message\n", b"ElfFile\0", b"PK\3\4", b"hosts:\n "]),
)
def test_never_raises(name, content, start):
    folder = Path(tempfile.mkdtemp())
    try:
        put(folder, name, start + content)
        result = triage_evidence([folder], SPEC)
        assert result.verdict == "undetermined"
        json.dumps(triage_json(result))
        triage_text(result)
    finally:
        shutil.rmtree(folder)
