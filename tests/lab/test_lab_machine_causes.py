"""The machine model has causes: what happens follows from state, not from a script."""

import threading

import pytest

from engine.actions.base import script
from engine.lab import machine_services as scm
from engine.lab.behaviours import BEHAVIOURS
from engine.lab.clock import LabClock
from engine.lab.estate import EstateSpec, build_estate
from engine.lab.machine import CONTROL_KEY, Machine
from engine.lab.machine_services import Account, Service
from engine.model.data import JsonMap, text_digest
from engine.model.frame import Frame

EVIDENCE_OFF = b'<configuration><runtime><generatePublisherEvidence enabled="false"/></runtime></configuration>'


def ask(machine: Machine, payload_name: str, **arguments: object) -> JsonMap:
    one = script(payload_name)
    frame = Frame(
        nonce="n", number=1, name=payload_name, digest=text_digest(one.text), text=one.text, arguments=arguments
    )
    return machine.answer(frame, one.text)


def start(machine: Machine, name: str = "OMCFG") -> JsonMap:
    return ask(machine, "windows_service.ensure.ps1", name=name, state="running", start_mode=None, timeout_s=240)


def machine_with(service: Service, **more: object) -> Machine:
    machine = Machine("SM01", LabClock(speed=None), behaviours=BEHAVIOURS, **more)
    machine.services.add(service)
    machine.events.make("System")
    return machine


def omcfg(**changes: object) -> Service:
    settings = {"name": "OMCFG", "display_name": "System Center Management Configuration", "path": "", "start_s": 45.0}
    return Service(**{**settings, **changes})


def event_ids(machine: Machine) -> list[int]:
    log = machine.events.get("System")
    assert log is not None
    return [one.id for one in log.entries]


def test_a_slow_start_times_out_after_thirty_seconds_and_logs_both_events() -> None:
    machine = machine_with(omcfg())
    before = machine.clock.now()
    answer = start(machine)
    assert answer["errors"][0]["message"].startswith("The service OMCFG did not start: error 1053")
    assert machine.clock.now() - before == 30.0
    assert event_ids(machine) == [7009, 7000]
    assert machine.events.get("System").entries[0].message == (
        "A timeout was reached (30000 milliseconds) while waiting for the System Center Management Configuration "
        "service to connect."
    )


def test_a_raised_time_out_means_nothing_before_the_boot() -> None:
    machine = machine_with(omcfg(start_mode="Manual"))
    machine.registry.set(CONTROL_KEY, "ServicesPipeTimeout", 200000)
    assert not start(machine)["ok"]
    ask(machine, "windows_reboot.restart.ps1", delay_s=5, comment="")
    assert machine.reachable()
    machine.clock.advance(6)
    assert not machine.reachable()
    assert not start(machine)["ok"]
    machine.clock.advance(machine.boot_s)
    assert machine.reachable()
    assert machine.boot_number() == 2
    assert start(machine)["ok"]


@pytest.mark.parametrize(("data", "kind"), [("200000", "String"), (0, "DWord"), (200000, "QWord")])
def test_a_time_out_of_the_wrong_type_does_not_count(data: object, kind: str) -> None:
    machine = machine_with(omcfg())
    machine.registry.set(CONTROL_KEY, "ServicesPipeTimeout", data, kind)
    machine.boot(machine.clock.now())
    assert machine.services.timeout_ms == 30000


@pytest.mark.parametrize(
    ("content", "code"),
    [(EVIDENCE_OFF, 0), (b"<configuration/>", 1053), (EVIDENCE_OFF.replace(b"/>", b">"), 14001), (b"", 14001)],
)
def test_the_configuration_file_is_read_at_the_start(content: bytes, code: int) -> None:
    machine = machine_with(omcfg(config_file="C:\\x.config", start_s_unverified=10.0))
    machine.files.write("c:\\X.config", content, modified=0.0)
    service = machine.services.get("omcfg")
    assert scm.start(machine, service) == code


@pytest.mark.parametrize(
    ("account", "event"),
    [
        (Account(name="C\\svc", password="other"), 7038),
        (Account(name="C\\svc", password="right", locked=True), 7038),
        (Account(name="C\\svc", password="right", may_log_on_as_service=False), 7041),
        (Account(name="C\\another", password="right"), 7038),
    ],
)
def test_a_logon_that_fails(account: Account, event: int) -> None:
    machine = machine_with(omcfg(account="C\\svc", password="right"), accounts={account.name: account})
    assert "error 1069" in start(machine)["errors"][0]["message"]
    assert event_ids(machine) == [event, 7000]


def test_a_service_waits_for_those_it_needs() -> None:
    machine = machine_with(omcfg(start_s=5.0, needs=("Base",)))
    machine.services.add(Service(name="Base", display_name="Base", path="", start_s=7.0, start_mode="Manual"))
    before = machine.clock.now()
    assert start(machine)["ok"]
    assert machine.clock.now() - before == 12.0
    assert scm.stop(machine, machine.services.get("Base")) == scm.DEPENDENTS_RUNNING


def test_automatic_services_start_at_boot_and_manual_ones_do_not() -> None:
    machine = machine_with(omcfg(start_s=5.0))
    machine.services.add(omcfg(name="Other", start_mode="Manual"), omcfg(name="Slow", start_s=31.0))
    machine.boot(machine.clock.now())
    states = lambda: {one.name: one.state for one in machine.services}  # noqa: E731
    assert states() == {"OMCFG": "Start Pending", "Other": "Stopped", "Slow": "Start Pending"}
    machine.clock.advance(60)
    machine.reachable()
    assert states() == {"OMCFG": "Running", "Other": "Stopped", "Slow": "Stopped"}


def test_a_machine_that_never_returns() -> None:
    machine = machine_with(omcfg())
    machine.returns_from_reboot = False
    machine.restart(5.0)
    machine.clock.advance(10**7)
    assert not machine.reachable()


def test_two_askers_see_each_other_while_a_start_takes_time() -> None:
    machine = machine_with(omcfg(start_s=20.0))
    machine.clock = LabClock(speed=100.0)
    answers: list[JsonMap] = []
    worker = threading.Thread(target=lambda: answers.append(start(machine)))
    worker.start()
    seen = set()
    while worker.is_alive():
        look = ask(machine, "windows_service.observe.ps1", names=["OMCFG"])
        seen.add(look["value"]["services"][0]["state"])
        worker.join(0.02)
    assert answers[0]["ok"]
    assert "Start Pending" in seen


def test_an_unknown_script_never_seems_to_succeed() -> None:
    machine = machine_with(omcfg())
    frame = Frame(nonce="n", number=1, name="mine", digest="d", text="1", arguments={})
    answer = machine.answer(frame, "param($Arguments)\n@{ a = 1 }")
    assert not answer["ok"]
    assert "no model of the script 'mine'" in answer["errors"][0]["message"]


def test_accounts_are_found_by_every_spelling() -> None:
    machine = build_estate("healthy").machines["SM01"]
    spellings = ["contoso\\RECOVERY", "recovery", "recovery@contoso.lab"]
    assert {machine.password_of(one) for one in spellings} == {EstateSpec().password}
    assert machine.password_of("nobody") is None


def test_plain_command_lines() -> None:
    machine = machine_with(omcfg())
    assert machine.shell("hostname", b"") == (0, b"SM01\r\n", b"")
    assert machine.shell("cmd.exe /c hostname", b"")[0] == 0
    code, out, err = machine.shell("format c:", b"")
    assert (code, out) == (1, b"")
    assert b"cannot run" in err
