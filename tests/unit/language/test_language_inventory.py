"""Inventories as Windows teams have them, host patterns, durations, versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.durations import parse_duration
from engine.language.hosts import select_hosts
from engine.language.load import load_inventory
from engine.language.versions import parse_version
from engine.model.inventory import Inventory
from engine.model.origin import Origin
from engine.model.packaged import root

REAL = """\
all:
  vars: {ansible_user: 'CONTOSO\\svc', ansible_password: env:PW, level: all, ansible_port: 5986}
  children:
    windows:
      vars: {level: outer, site: north}
      children:
        management_servers:
          vars: {level: inner}
          hosts:
            SM[01:02]: {ansible_host: 10.0.0.1}
        sql_servers:
          hosts:
            SQL01: {level: host, databases: [ServiceManager, {name: DWDataMart}]}
            SQL02: {ansible_connection: ssh, ansible_port: 22, ansible_shell_type: powershell,
                    ansible_ssh_private_key_file: ~/.ssh/id, runbook_proxy_jump: 'a@j:22'}
    linux:
      hosts:
        web[a:b]: {ansible_connection: ssh}
        here: {ansible_connection: local}
  hosts:
    lonely:
"""


def loaded(text: str = REAL, **extra: str) -> Inventory:
    found, findings = load_inventory(
        text, "inventory/x.yaml", {key.replace("__", "/"): one for key, one in extra.items()}
    )
    assert findings == ()
    assert found is not None
    return found


def test_groups_hold_their_inner_hosts_in_the_order_of_the_file() -> None:
    groups = loaded().groups
    assert groups["windows"] == ("SM01", "SM02", "SQL01", "SQL02")
    assert groups["management_servers"] == ("SM01", "SM02")
    assert set(groups["all"]) == {"SM01", "SM02", "SQL01", "SQL02", "weba", "webb", "here", "lonely"}


def test_variables_win_from_the_outside_in() -> None:
    hosts = loaded().hosts
    assert [hosts[one].variables["level"] for one in ("lonely", "SM01", "SQL02", "SQL01")] == [
        "all",
        "inner",
        "outer",
        "host",
    ]
    assert hosts["SM01"].groups == ("windows", "management_servers")
    assert hosts["SQL01"].variables["databases"] == ["ServiceManager", {"name": "DWDataMart"}]
    assert "ansible_user" not in hosts["SM01"].variables


def test_files_of_variables_win_over_the_same_place() -> None:
    hosts = loaded(
        group_vars__windows="level: file\n", host_vars__SQL01="level: mine\n", **{"group_vars__all__a.yml": "extra: 1"}
    ).hosts
    assert (hosts["SQL02"].variables["level"], hosts["SM01"].variables["level"]) == ("file", "inner")
    assert hosts["SQL01"].variables["level"] == "mine"
    assert hosts["lonely"].variables["extra"] == 1


def test_connections_are_typed() -> None:
    hosts = loaded().hosts
    assert (hosts["SM02"].connection, hosts["SM02"].platform, hosts["SM02"].port) == ("winrm", "windows", 5986)
    assert str(hosts["SM02"].password) == "env:PW"
    assert hosts["SM02"].options == {"shell": "powershell"}
    assert hosts["SQL02"].options == {"shell": "powershell", "private_key_file": "~/.ssh/id", "proxy_jump": "a@j:22"}
    assert hosts["SQL02"].platform == "windows"
    assert (hosts["weba"].platform, hosts["weba"].options["shell"]) == ("posix", "posix")
    assert (hosts["here"].connection, hosts["here"].platform) == ("local", "posix")


@pytest.mark.parametrize("name", ["lab.yaml", "example.yaml"])
def test_shipped_inventories_are_right(name: str) -> None:
    found = loaded((root("inventory") / name).read_text(encoding="utf-8"))
    assert list(found.hosts) == ["SM01", "SM02", "DW01", "SQL01", "SQL02"]
    assert found.groups["sql_servers"] == ("SQL01", "SQL02")
    assert found.hosts["SQL02"].connection == "ssh"


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("ansible_connection: psrp", "S212", "use winrm"),
        ("ansible_connection: winrn", "S204", 'did you mean "winrm"?'),
        ("ansible_become_user: x", "S212", "never changes the account"),
        ("ansible_winrm_transprot: ntlm", "S212", 'did you mean "ansible_winrm_transport"?'),
        ("runbook_persistant: true", "S212", 'did you mean "runbook_persistent"?'),
        ("ansible_port: '5985'", "S203", "leave the quotes out"),
        ("ansible_port: 70000", "S206", None),
        ("ansible_ssh_pass: x", "S212", "ansible_password"),
        ("ansible_password: 5", "S211", "env:NAME"),
        ("deep: {list: ['{{ x }}']}", "S213", "write the value out"),
        ("x: !vault abc", "Y103", "env:NAME"),
    ],
)
def test_settings_that_are_not_read_are_refused_with_a_remedy(line: str, code: str, hint: str | None) -> None:
    _, findings = load_inventory(f"all:\n  hosts:\n    SM01:\n      {line}\n", "x.yaml")
    (found,) = findings
    assert found.code == code
    assert found.origin is not None
    assert found.origin.line == 4
    assert hint is None or (found.hint and hint in found.hint)


def test_files_of_variables_are_held_to_the_same_rules() -> None:
    for text, code in (
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "S213"),
        ("ansible_password: pw\n", "S211"),
        ("- a\n", "S203"),
        ("a: 1\na: 2", "Y102"),
    ):
        _, findings = load_inventory(REAL, "inv/x.yaml", {"group_vars/all.yml": text})
        assert [one.code for one in findings] == [code]
        assert findings[0].origin is not None
        assert findings[0].origin.file == "inv/group_vars/all.yml"
    _, findings = load_inventory(REAL, "inv/x.yaml", {"host_vars/SM1.yml": "a: 1", "group_vars/linux.yml": ""})
    assert [(one.code, one.severity, one.hint) for one in findings] == [("R408", "warning", 'did you mean "SM01"?')]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("all", "SM01 SM02 SQL01 SQL02 weba webb here lonely"),
        ("windows:!sql_servers", "SM01 SM02"),
        ("windows:&sql_servers", "SQL01 SQL02"),
        ("SQL02,SM01", "SM01 SQL02"),
        ("sm01", "SM01"),
        ("S*01", "SM01 SQL01"),
        ("SM0[12]", "SM01 SM02"),
        ("!windows", "weba webb here lonely"),
        ("*_servers:&SM*", "SM01 SM02"),
    ],
)
def test_host_patterns(pattern: str, expected: str) -> None:
    names, findings = select_hosts(pattern, loaded())
    assert findings == ()
    assert names == tuple(name for name in loaded().hosts if name in expected.split())
    assert set(names) == set(expected.split())


def test_an_unknown_part_of_a_pattern_is_marked() -> None:
    names, (found,) = select_hosts("linux:managment_servers", loaded(), Origin("f", 2, 10))
    assert found.code == "R404"
    assert (found.origin, found.mark) == (Origin("f", 2, 16), 17)
    assert found.hint == 'did you mean "management_servers"?'
    assert names == ("weba", "webb", "here")
    assert [one.code for one in select_hosts(" ", loaded())[1]] == ["R404"]


@given(pattern=st.text("SM01:&!*,[]webal ?", max_size=20))
def test_no_pattern_breaks_and_only_hosts_come_out(pattern: str) -> None:
    inventory = loaded()
    names, _ = select_hosts(pattern, inventory)
    assert set(names) <= set(inventory.hosts)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86400),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1.5m", 90),
        (7, 7),
        (0.5, 0.5),
    ],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "30m1h", "1h1h", "-5s", "9999d", -1, True, "1e3s"])
def test_what_is_no_duration(text: str | float) -> None:
    assert parse_duration(text) is None


def test_versions_are_compared_number_by_number() -> None:
    assert parse_version("7.5.2905.0") == parse_version("7.5.2905")
    assert parse_version("7.10") > parse_version("7.9")  # type: ignore[operator]
    assert [parse_version(one) for one in ("", "7.", "v7", "7.5-rc", "9" * 11)] == [None] * 5


@pytest.mark.parametrize(
    "other", ["ansible_prt: 5", "hosts: {", "x: 017", "x: '{{ y }}'", "ansible_port: a", "x: !v 1"]
)
def test_no_finding_shows_the_line_of_a_plain_password(other: str) -> None:
    text = f"all:\n  hosts:\n    SM01: {{ansible_password: hunter2, {other}}}\n"
    _, findings = load_inventory(text, "x.yaml")
    assert findings
    assert "hunter2" not in repr(findings)
