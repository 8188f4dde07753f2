"""The parts of the lab's WinRM that know no network: envelopes, sealing, command lines, faults."""

import base64
import os
from xml.etree import ElementTree

import pytest
from fake_lab_host import COMMAND
from hypothesis import given
from hypothesis import strategies as st

from engine.lab import winrm_envelope as soap
from engine.lab.faults import Faults
from engine.lab.shells import encoded_script, reads_input
from engine.lab.winrm_auth import Peer, Refused
from engine.lab.winrm_sealing import BadSeal, is_sealed, seal, unseal
from engine.model.frame import STAGE_0, encoded_command


class Mirror:
    """A context that seals by reversing."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        return b"sig", data[::-1], 0

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        if header != b"sig":
            raise ValueError("wrong signature")
        return data[::-1]


@given(st.binary())
def test_a_sealed_message_opens_again(content: bytes) -> None:
    assert unseal(Mirror(), seal(Mirror(), content)) == content


@given(st.binary(max_size=300), st.data())
def test_a_torn_sealed_message_never_opens(content: bytes, data: st.DataObject) -> None:
    whole = seal(Mirror(), content)
    cut = data.draw(st.integers(0, len(whole) - len(b"--Encrypted Boundary--\r\n") - 1))
    with pytest.raises(BadSeal):
        unseal(Mirror(), whole[:cut])


@given(st.binary(max_size=200))
def test_noise_is_no_sealed_message_and_no_envelope(noise: bytes) -> None:
    with pytest.raises(BadSeal):
        unseal(Mirror(), noise)
    with pytest.raises(soap.BadEnvelope):
        soap.parse(noise)


def test_a_sealed_body_is_known_by_its_type() -> None:
    assert is_sealed('Multipart/encrypted; protocol="x"')
    assert not is_sealed("application/soap+xml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PT20S", 20), ("PT1.5S", 1.5), ("PT2M1S", 121), ("P1DT1H", 90000), ("", 60), ("P", 60), ("soon", 60), (None, 60)],
)
def test_durations(text: str | None, expected: float) -> None:
    assert soap.seconds(text, 60) == expected


def test_an_envelope_too_large_is_refused_unread() -> None:
    with pytest.raises(soap.BadEnvelope, match="bytes"):
        soap.parse(b" " * (soap.MAX_REQUEST_BYTES + 1))


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"])))
def test_a_fault_carries_any_text(text: str) -> None:
    content = soap.fault("uuid:<1>", 'SM"01', soap.WsmanFault(5, "AccessDenied", text))
    root = ElementTree.fromstring(content)
    detail = root.find(f".//{{{soap.FAULT}}}WSManFault")
    assert detail is not None
    assert (detail.get("Code"), detail.get("Machine")) == ("5", 'SM"01')
    assert (root.findtext(f".//{{{soap.SOAP}}}Text") or "") == text
    assert root.findtext(f".//{{{soap.ADDRESSING}}}RelatesTo") == "uuid:<1>"


@pytest.mark.parametrize(
    "line",
    [
        COMMAND,
        COMMAND.replace("powershell.exe", "PowerShell"),
        COMMAND.replace("powershell.exe", r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
        COMMAND.replace("-EncodedCommand", "-enc"),
        COMMAND.replace("-EncodedCommand", "-e"),
        COMMAND.replace("-EncodedCommand", "-ENCODEDCOMMAND"),
        f"pwsh -ec {encoded_command(STAGE_0)}",
    ],
)
def test_the_framed_interpreter_is_recognised(line: str) -> None:
    assert encoded_script(line) == STAGE_0
    assert reads_input(line)


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        ("powershell -Command Get-Date", False),
        ("powershell -EncodedCommand !!", False),
        (f"notpowershell -enc {encoded_command('1')}", False),
        (f"powershell -enc {encoded_command('Get-Date')}", False),
        (f"powershell -Exec {encoded_command('1')}", False),
        ("powershell -Command -", True),
        ("sh -s", True),
        ("/bin/sh -s -- a", True),
        ("echo -s", False),
    ],
)
def test_what_waits_for_its_input(line: str, waits: bool) -> None:
    assert encoded_script(line) != STAGE_0
    assert reads_input(line) is waits


def test_a_counter_fires_once_at_its_end() -> None:
    faults = Faults(drop_after_sends=2)
    assert [faults.fires("drop_after_sends") for _ in range(4)] == [False, True, False, False]


@pytest.mark.parametrize("changes", [{"refuse": 1}, {"delay_s": -1}, {"max_shells": True}, {"x": 1}, {"delay_s": None}])
def test_a_change_is_all_or_nothing(changes: dict[str, object]) -> None:
    faults = Faults()
    with pytest.raises(ValueError, match=r"fault|Fault"):
        faults.change({"garble_answers": 3, **changes})  # type: ignore[dict-item]
    assert faults == Faults()
    faults.change({"delay_s": 1, "drop_on_frame": "a*"})
    assert faults == Faults(delay_s=1.0, drop_on_frame="a*")


def test_the_account_file_is_gone_and_the_environment_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", "mine")
    with pytest.raises(Refused):
        Peer(lambda _: "x").negotiate(base64.b64encode(b"NTLMSSP\x00\x03\x00\x00\x00").decode())
    assert os.environ["NTLM_USER_FILE"] == "mine"
