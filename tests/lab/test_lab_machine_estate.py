"""The estate's failed upgrade, its variants, and the operator who presses Retry."""

import pytest

from engine.lab.clock import LabClock
from engine.lab.estate import RTM, SP1, VARIANTS, Estate, build_estate, variant
from engine.lab.machine import CONTROL_KEY

LINES = [
    "CAStartServices: Attempting to start service. OMCFG",
    "CAStartServices: StartService failed. Error Code: 0x8007041D.",
    "ConfigureSDKConfigService: CAStartServices failed. Error Code: 0x8007041D. OMCFG",
]
ANSWERS = {"succeeded": "It completed", "timed_out": "OMCFG timed out again", "failed": "It failed in another way"}
RETRY = "In the setup wizard choose Retry."
EVIDENCE_OFF = b'<configuration><runtime><generatePublisherEvidence enabled="false"/></runtime></configuration>'


def log_of(estate: Estate) -> str:
    file = estate.wizard.machine.files.get(estate.wizard.log_path)
    assert file is not None
    return file.content.decode("utf-16")


def edit_config(estate: Estate) -> None:
    server = estate.machines["SM01"]
    path = server.services.get("OMCFG").config_file
    server.files.write(path, EVIDENCE_OFF, modified=server.clock.now())


def raise_and_restart(estate: Estate, milliseconds: int = 200000) -> None:
    server = estate.machines["SM01"]
    server.registry.set(CONTROL_KEY, "ServicesPipeTimeout", milliseconds)
    server.restart(5.0)
    server.clock.advance(200)
    assert server.reachable()


def version_of(estate: Estate) -> tuple[str, str, object]:
    server, sql = estate.machines["SM01"], estate.machines["SQL01"].sql
    assert sql is not None
    key = estate.wizard.product.uninstall_key
    return (
        str(server.registry.data(key, "DisplayVersion")),
        str(server.files.get(f"{estate.wizard.product.folder}\\Microsoft.Mom.ConfigServiceHost.exe").version),
        sql.databases["ServiceManager"].product_version,
    )


def test_the_failed_upgrade_left_what_setup_leaves() -> None:
    estate = build_estate()
    lines = log_of(estate).splitlines()
    at = lines.index(LINES[0])
    assert lines[at : at + 3] == LINES
    assert version_of(estate) == (RTM, RTM, RTM)
    assert {one.id for one in estate.machines["SM01"].events.get("System").entries} >= {7009, 7000}
    assert estate.machines["SM01"].services.get("OMCFG").state == "Stopped"
    assert not [one for one in estate.machines["SM01"].processes if one.name == "Setup.exe"]
    assert estate.machines["SM02"].services.get("OMCFG").state == "Running"


def test_retry_alone_times_out_again() -> None:
    estate = build_estate()
    assert estate.operator_answer(RETRY, ANSWERS) == "timed_out"
    assert log_of(estate).count(LINES[1]) == 2


def test_the_configuration_file_is_cure_enough() -> None:
    estate = build_estate()
    edit_config(estate)
    assert estate.operator_answer(RETRY, ANSWERS) == "succeeded"
    assert version_of(estate) == (SP1, SP1, SP1)
    assert {one.state for one in estate.machines["SM01"].services if one.name in ("OMSDK", "OMCFG")} == {"Running"}


@pytest.mark.parametrize("name", ["slow", "config-replaced"])
def test_only_the_time_out_helps(name: str) -> None:
    estate = build_estate(name)
    edit_config(estate)
    assert estate.run_setup() == "timed_out"
    estate.machines["SM01"].registry.set(CONTROL_KEY, "ServicesPipeTimeout", 200000)
    assert estate.run_setup() == "timed_out"
    raise_and_restart(estate)
    assert estate.run_setup() == "succeeded"
    assert estate.run_setup() == "succeeded"


def test_a_very_slow_service_needs_the_larger_value() -> None:
    estate = build_estate("very-slow")
    raise_and_restart(estate)
    assert estate.run_setup() == "timed_out"
    raise_and_restart(estate, 400000)
    assert estate.run_setup() == "succeeded"


def test_a_logon_failure_is_another_case() -> None:
    estate = build_estate("service-logon")
    assert "0x8007042D" in log_of(estate)
    assert "0x8007041D" not in log_of(estate)
    raise_and_restart(estate)
    assert estate.run_setup() == "failed"


def test_a_malformed_file_keeps_the_service_down() -> None:
    estate = build_estate("malformed-config")
    assert "0x800736B1" in log_of(estate)
    edit_config(estate)
    assert estate.run_setup() == "succeeded"


def test_a_changed_database_stays_changed() -> None:
    estate = build_estate("database-changed")
    assert version_of(estate) == (RTM, RTM, SP1)
    assert estate.baseline_document()["hosts"]["SQL01"]["versions"]["databases"] == {"ServiceManager": RTM}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_builds_the_same_twice(name: str) -> None:
    start = 1362218400.0
    one, other = (build_estate(name, clock=LabClock(start, speed=None)) for _ in range(2))
    assert one.upgrade() == other.upgrade()
    left, right = ([e.machines[n].events.get("System").entries for n in e.machines] for e in (one, other))
    assert left == right
    assert all(event.time <= start for log in left for event in log)
    assert list(one.machines) == ["SM01", "SM02", "DW01", "SQL01", "SQL02"]


def test_the_operator_answers_only_what_can_be_known() -> None:
    estate = build_estate()
    assert estate.operator_answer("Read the report.", {"done": "Done"}) == "done"
    assert estate.operator_answer("Which colour?", {"red": "Red", "blue": "Blue"}) is None
    assert estate.answers == [("Read the report.", "done")]


def test_variants_can_be_changed() -> None:
    estate = build_estate(variant("upgrade-failed", start_unverified_s=40.0, boot_s=5.0))
    edit_config(estate)
    assert estate.run_setup() == "timed_out"
    assert estate.machines["SM01"].boot_s == 5.0


def test_setup_belongs_to_one_server() -> None:
    with pytest.raises(ValueError, match="DW01"):
        build_estate().run_setup("DW01")
