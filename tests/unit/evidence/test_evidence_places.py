"""Hosts in other letters, hosts that are absent, files that cannot be read, and links that lead astray."""

import os
import zipfile
from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.evidence.reader import read_evidence
from engine.language.triage import parse_text
from engine.model.triage import Concern, Evidence, Missing

LOG = (
    "CAStartServices: Attempting to start service. OMCFG\r\n"
    "CAStartServices: StartService failed. Error Code: 0x8007041D.\r\n"
)
SPEC = triage_spec()
BASELINE = 'hosts: {%s: {versions: {binaries: "7.5.1561.0", databases: {ServiceManager: "7.5.1561.0"}}}}\n'


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(folder: Path) -> Evidence:
    return read_evidence([folder], SPEC.signatures, parse_text)


def gap(folder: Path, what: str) -> Missing:
    (found,) = [one for one in read(folder).missing if one.what == what]
    return found


@pytest.mark.parametrize("name", ["sm01", "SM01", "Sm01.contoso.com", "SM01.CONTOSO.COM"])
def test_a_host_is_the_same_in_any_letters_and_with_its_domain(tmp_path: Path, name: str) -> None:
    put(tmp_path / "baseline.yaml", BASELINE % "SM01")
    put(tmp_path / "HOSTS" / name / "Logs" / "SCSMInstall.LOG", LOG)
    put(
        tmp_path / "HOSTS" / name / "HOST.YAML",
        'versions: {binaries: "7.5.1561.0", databases: {servicemanager: "7.5.1561.0"}}\n',
    )
    assert triage_evidence([tmp_path], SPEC).row == "D1"


def test_two_folders_of_one_host_are_one_host(tmp_path: Path) -> None:
    put(tmp_path / "hosts/SM01/host.yaml", 'versions: {binaries: "7.5.1561.0"}\n')
    put(tmp_path / "hosts/sm01.contoso.com/host.yaml", 'versions: {binaries: "7.5.2905.0"}\n')
    (host,) = read(tmp_path).hosts
    assert host.versions.binaries == "unknown"
    assert gap(tmp_path, "binaries version").why == "two sources disagree: 7.5.1561.0 and 7.5.2905.0"


def test_a_host_of_the_baseline_that_nothing_was_brought_of_is_told(tmp_path: Path) -> None:
    put(tmp_path / "baseline.yaml", BASELINE % "SM01")
    put(tmp_path / "hosts/SM02/logs/SCSMInstall.log", LOG)
    result = triage_evidence([tmp_path], SPEC)
    (found,) = [one for one in result.missing if one.what == "the host as a whole"]
    assert found.text == "SM01: the host as a whole: the baseline names it, and nothing was brought of it"
    assert result.verdict == "undetermined"


def test_a_link_that_leads_out_of_the_folder_is_told_and_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "outside.log", LOG)
    put(tmp_path / "brought/hosts/SM01/logs/good.log", "an ordinary line\n")
    (tmp_path / "brought/hosts/SM01/logs/bad.log").symlink_to(tmp_path / "outside.log")
    (tmp_path / "brought/hosts/SM02").symlink_to(tmp_path)
    evidence = read(tmp_path / "brought")
    assert not evidence.sightings
    links = [one for one in evidence.missing if one.what == "a link"]
    assert [one.file for one in links] == ["hosts/SM01/logs/bad.log", "hosts/SM02"]
    assert {one.why for one in links} == {"it leads outside the folder and is not followed"}
    assert {one.concerns for one in links} == {Concern.ANYTHING}


def test_a_link_within_the_folder_is_read(tmp_path: Path) -> None:
    put(tmp_path / "kept/SCSMInstall.log", LOG)
    (tmp_path / "hosts/SM01/logs").mkdir(parents=True)
    (tmp_path / "hosts/SM01/logs/SCSMInstall.log").symlink_to(tmp_path / "kept/SCSMInstall.log")
    assert "SM01" in {one.host for one in read(tmp_path).sightings}


def test_links_in_circles_end_and_are_told(tmp_path: Path) -> None:
    put(tmp_path / "hosts/SM01/logs/good.log", LOG)
    (tmp_path / "hosts/SM01/logs/round").symlink_to(tmp_path / "hosts", target_is_directory=True)
    (tmp_path / "hosts/SM01/logs/a.log").symlink_to(tmp_path / "hosts/SM01/logs/b.log")
    (tmp_path / "hosts/SM01/logs/b.log").symlink_to(tmp_path / "hosts/SM01/logs/a.log")
    (tmp_path / "hosts/SM01/logs/gone.log").symlink_to(tmp_path / "hosts/SM01/logs/nowhere.log")
    evidence = read(tmp_path)
    assert len(evidence.sightings) == 1
    whys = {one.file: one.why for one in evidence.missing if one.file}
    assert whys["hosts/SM01/logs/round"] == "linked folders are not followed"
    assert whys["hosts/SM01/logs/a.log"].startswith("it cannot be read: ")
    assert whys["hosts/SM01/logs/b.log"].startswith("it cannot be read: ")
    assert whys["hosts/SM01/logs/gone.log"].startswith("it cannot be read: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes in folders here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path / "hosts/SM01/logs/good.log", LOG)
    os.mkfifo(tmp_path / "hosts/SM01/logs/pipe.log")
    assert gap(tmp_path, "an entry").why == "it is neither a file nor a folder"


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    put(tmp_path / "hosts/SM01/logs/secret.log", LOG)
    (tmp_path / "hosts/SM01/logs/secret.log").chmod(0)
    assert gap(tmp_path, "a file").why == "it cannot be read: Permission denied"


def test_a_file_that_breaks_while_it_is_read_is_told_with_what_it_concerns(tmp_path: Path) -> None:
    path = tmp_path / "brought.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hosts/SM01/logs/SCSMInstall.log", "x" * 20_000)
        archive.writestr("hosts/SM02/logs/SCSMInstall.log", LOG)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"x" * 100, b"x" * 99 + b"y", 1))
    evidence = read(path)
    (found,) = [one for one in evidence.missing if one.what == "a file"]
    assert (found.host, found.concerns) == ("SM01", Concern.LOGS)
    assert {one.host for one in evidence.sightings} == {"SM02"}
