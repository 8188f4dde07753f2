"""WinRM of the lab as real clients see it: pywinrm and pypsrp, sealed over HTTP and Basic over HTTPS."""

import base64
import contextlib
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from fake_lab_host import COMMAND, PASSWORD, USER, FakeLabHost, frame_line
from pypsrp.exceptions import AuthenticationError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from requests.auth import HTTPBasicAuth
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError
from winrm.protocol import Protocol

from engine.lab.serve import Endpoint, LabServers, ServedHost
from engine.model.errors import UsageMistake
from engine.model.frame import decode_answer


class Lab:
    def __init__(self, folder: Path) -> None:
        self.host = FakeLabHost()
        self.servers = LabServers()
        ends = self.servers.start([ServedHost(host=self.host, address="127.44.0.1", winrm_port=0, https_port=0)])
        self.end: Endpoint = ends.hosts["SM01"]
        self.ca = folder / "ca.pem"
        self.ca.write_text(ends.ca_pem)

    def pywinrm(self, kind: str, password: str = PASSWORD, user: str = USER, wait: int = 5) -> Protocol:
        secure = kind.endswith("https")
        port = self.end.https_port if secure else self.end.winrm_port
        return Protocol(
            endpoint=f"{'https' if secure else 'http'}://{self.end.address}:{port}/wsman",
            transport="basic" if kind == "basic-https" else "ntlm",
            username=user,
            password=password,
            ca_trust_path=str(self.ca),
            operation_timeout_sec=wait,
            read_timeout_sec=wait + 5,
            message_encryption="auto" if secure else "always",
            proxy=None,
        )

    def pypsrp(self, kind: str, password: str = PASSWORD) -> WSMan:
        secure = kind.endswith("https")
        return WSMan(
            self.end.address,
            port=self.end.https_port if secure else self.end.winrm_port,
            ssl=secure,
            auth="basic" if kind == "basic-https" else "ntlm" if kind.startswith("ntlm") else "negotiate",
            username=USER,
            password=password,
            cert_validation=str(self.ca),
            encryption="auto" if secure else "always",
            no_proxy=True,
        )


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    try:
        yield lab
    finally:
        lab.host.hold.set()
        lab.servers.stop()


@contextlib.contextmanager
def session(protocol: Protocol) -> Iterator[tuple[Protocol, str]]:
    shell = protocol.open_shell()
    try:
        yield protocol, shell
    finally:
        with contextlib.suppress(Exception):
            protocol.close_shell(shell, close_session=True)


@contextlib.contextmanager
def interpreter(protocol: Protocol) -> Iterator["Framed"]:
    with session(protocol) as (_, shell):
        framed = Framed(protocol, shell)
        yield framed


class Framed:
    def __init__(self, protocol: Protocol, shell: str) -> None:
        self.protocol, self.shell = protocol, shell
        self.command = protocol.run_command(shell, COMMAND, skip_cmd_shell=True)
        self.send(base64.b64encode(b"interpreter") + b"\n")
        self.got = b""

    def send(self, data: bytes, *, end: bool = False) -> None:
        self.protocol.send_command_input(self.shell, self.command, data, end=end)

    def line(self) -> str:
        while b"\n" not in self.got:
            out, err, _, done = self.protocol.get_command_output_raw(self.shell, self.command)
            assert not err, err
            assert not done
            self.got += out
        line, _, self.got = self.got.partition(b"\n")
        return line.decode()

    def ask(self, number: int, name: str, text: str = "1", *, known: bool = False, **arguments: object) -> dict:
        self.send(frame_line(number, name, text, known=known, **arguments))
        decoded = decode_answer(self.line(), "N1")
        assert decoded is not None
        assert decoded[0] == number
        return dict(decoded[1])


KINDS = ["ntlm-http", "basic-https", "ntlm-https"]


@pytest.mark.parametrize("kind", KINDS)
def test_pywinrm_runs_commands(lab: Lab, kind: str) -> None:
    with session(lab.pywinrm(kind)) as (protocol, shell):
        for line, expected in (
            (("echo", ["hello", "there"]), (b"hello there\r\n", b"", 0)),
            (("fail", ["7"]), (b"some output", b"some error", 7)),
            (("nonsense", []), (b"", b"'nonsense' is not recognized", 1)),
        ):
            command = protocol.run_command(shell, *line)
            assert protocol.get_command_output(shell, command) == expected
            protocol.cleanup_command(shell, command)


@pytest.mark.parametrize("kind", KINDS)
def test_pywinrm_sends_input_in_pieces_and_gets_a_megabyte(lab: Lab, kind: str) -> None:
    with session(lab.pywinrm(kind)) as (protocol, shell):
        command = protocol.run_command(shell, "upper")
        protocol.send_command_input(shell, command, b"first ")
        protocol.send_command_input(shell, command, b"second", end=True)
        assert protocol.get_command_output(shell, command) == (b"FIRST SECOND", b"", 0)
        command = protocol.run_command(shell, "big", [str(1 << 20)])
        out, _, code = protocol.get_command_output(shell, command)
        assert (out, code) == (bytes(range(256)) * 4096, 0)


@pytest.mark.parametrize("kind", [*KINDS, "negotiate-http"])
def test_pypsrp_runs_commands(lab: Lab, kind: str) -> None:
    with lab.pypsrp(kind) as wsman, WinRS(wsman) as shell:
        process = Process(shell, "echo", ["hello", "there"])
        process.invoke()
        assert (process.stdout, process.stderr, process.rc) == (b"hello there\r\n", b"", 0)
        process.signal(SignalCode.TERMINATE)
        process = Process(shell, "upper")
        process.begin_invoke()
        process.send(b"first ", end=False)
        process.send(b"second", end=True)
        process.end_invoke()
        assert (process.stdout, process.rc) == (b"FIRST SECOND", 0)
        process = Process(shell, "big", [str(1 << 20)])
        process.invoke()
        assert len(process.stdout) == 1 << 20
        wsman.update_max_payload_size()
        assert wsman.max_envelope_size == 500 * 1024


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_refused(lab: Lab, kind: str) -> None:
    for user, password in ((USER, "wrong"), ("LAB\\nobody", PASSWORD)):
        with pytest.raises(InvalidCredentialsError):
            lab.pywinrm(kind, password, user).open_shell()
    with pytest.raises(AuthenticationError), lab.pypsrp(kind, "wrong") as wsman:
        WinRS(wsman).open()
    lab.servers.set_faults("SM01", {"wrong_password": True})
    with pytest.raises(InvalidCredentialsError):
        lab.pywinrm(kind).open_shell()


def test_an_account_without_a_domain_is_known_too(lab: Lab) -> None:
    with session(lab.pywinrm("ntlm-http", "simple", "local")) as (protocol, shell):
        command = protocol.run_command(shell, "echo", ["x"])
        assert protocol.get_command_output(shell, command)[0] == b"x\r\n"


def test_frames_are_answered_in_one_process(lab: Lab) -> None:
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        assert framed.ask(1, "handshake")["value"] == {"boot": 1}
        answer = framed.ask(2, "echo", "$Arguments", word="Gr\u00fc\u00dfe")
        assert answer["ok"] is True
        assert answer["value"] == {"text": "$Arguments", "word": "Gr\u00fc\u00dfe"}
        assert answer["duration_s"] >= 0
        assert framed.ask(3, "echo", "$Arguments", known=True)["value"] == {"text": "$Arguments"}
        unknown = framed.ask(4, "other", "never sent", known=True)
        assert unknown["ok"] is False
        assert "never sent" in unknown["errors"][0]["message"]
        bug = framed.ask(5, "bug")
        assert bug["ok"] is False
        assert "a wheel came off" in bug["errors"][0]["message"]
        framed.send(frame_line(6, "a") + frame_line(7, "b")[:20])
        framed.send(frame_line(7, "b")[20:], end=True)
        out, err, code = framed.protocol.get_command_output(framed.shell, framed.command)
        assert [decode_answer(line, "N1")[0] for line in out.decode().splitlines()] == [6, 7]  # type: ignore[index]
        assert (err, code) == (b"", 0)
    assert [name for name, *_ in lab.host.frames] == ["handshake", "echo", "echo", "bug", "a", "b"]


def test_a_line_that_is_no_frame_is_told_on_the_error_stream(lab: Lab) -> None:
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        framed.send(b"what is this\n", end=True)
        out, err, code = framed.protocol.get_command_output(framed.shell, framed.command)
        assert (out, code) == (b"", 0)
        assert b"no frame" in err


def test_a_receive_without_output_times_out_and_may_be_repeated(lab: Lab) -> None:
    lab.host.hold.clear()
    with interpreter(lab.pywinrm("ntlm-http", wait=1)) as framed:
        framed.send(frame_line(1, "slow"))
        with pytest.raises(WinRMOperationTimeoutError):
            framed.protocol.get_command_output_raw(framed.shell, framed.command)
        lab.host.hold.set()
        assert decode_answer(framed.line(), "N1")[0] == 1  # type: ignore[index]


def test_terminate_ends_a_command_and_delete_ends_a_shell(lab: Lab) -> None:
    protocol = lab.pywinrm("ntlm-http")
    with interpreter(protocol) as framed:
        protocol.cleanup_command(framed.shell, framed.command)
        with pytest.raises(WSManFaultError):
            framed.send(b"x\n")
        protocol.close_shell(framed.shell, close_session=False)
        with pytest.raises(WSManFaultError) as caught:
            protocol.run_command(framed.shell, "echo")
        assert caught.value.wsman_fault_code == 2150858843


def test_the_quota_of_shells_holds_for_one_user(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"max_shells": 2})
    protocol = lab.pywinrm("ntlm-http")
    first, _ = protocol.open_shell(), protocol.open_shell()
    with pytest.raises(WSManFaultError, match="concurrent shells") as caught:
        protocol.open_shell()
    assert caught.value.wsman_fault_code == 2150859173
    other = lab.pywinrm("ntlm-http", "simple", "local")
    other.open_shell()
    with pytest.raises(WSManFaultError, match="not found"):
        other.run_command(first, "echo")
    protocol.close_shell(first, close_session=False)
    protocol.open_shell()


def test_an_idle_shell_is_forgotten(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"idle_timeout_s": 0.05})
    protocol = lab.pywinrm("ntlm-http")
    shell = protocol.open_shell()
    time.sleep(0.1)
    with pytest.raises(WSManFaultError, match="not found"):
        protocol.run_command(shell, "echo")


def test_a_reboot_ends_shells_and_refuses_until_the_host_is_back(lab: Lab) -> None:
    protocol = lab.pywinrm("ntlm-http")
    with interpreter(protocol) as framed:
        framed.ask(1, "handshake")
        lab.host.up = False
        with pytest.raises(requests.ConnectionError):
            framed.ask(2, "echo")
        lab.servers.refresh()
        with pytest.raises(requests.ConnectionError, match="refused"):
            lab.pywinrm("ntlm-http").open_shell()
        lab.host.boot = 2
        lab.host.up = True
        lab.servers.refresh()
        with pytest.raises(WSManFaultError, match="not found"):
            lab.pywinrm("ntlm-http").run_command(framed.shell, "echo")
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        assert framed.ask(1, "handshake")["value"] == {"boot": 2}


def test_a_reboot_that_nobody_saw_ends_shells_all_the_same(lab: Lab) -> None:
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        framed.ask(1, "handshake")
        lab.host.boot = 2
        with pytest.raises((requests.ConnectionError, WSManFaultError)):
            framed.ask(2, "echo")
    assert [name for name, *_ in lab.host.frames] == ["handshake"]


def test_a_waiting_receive_is_cut_off_by_a_shutdown(lab: Lab) -> None:
    lab.host.hold.clear()
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        framed.send(frame_line(1, "slow"))
        timer = threading.Timer(0.2, lambda: setattr(lab.host, "up", False))
        timer.start()
        started = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            framed.line()
        assert time.monotonic() - started < 3
        timer.join()


def test_refuse_cuts_off_and_lets_in_again(lab: Lab) -> None:
    protocol = lab.pywinrm("ntlm-http")
    with session(protocol) as (_, shell):
        lab.servers.set_faults("SM01", {"refuse": True})
        with pytest.raises(requests.ConnectionError):
            protocol.run_command(shell, "echo")
        lab.servers.set_faults("SM01", {"refuse": False})
        fresh = lab.pywinrm("ntlm-http")
        command = fresh.run_command(shell, "echo", ["still", "there"])
        assert fresh.get_command_output(shell, command)[0] == b"still there\r\n"


def test_a_dropped_send_was_done_and_its_answer_waits(lab: Lab) -> None:
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        framed.ask(1, "handshake")
        lab.servers.set_faults("SM01", {"drop_after_sends": 2})
        framed.ask(2, "echo")
        with pytest.raises(requests.ConnectionError):
            framed.send(frame_line(3, "change"))
        fresh = lab.pywinrm("ntlm-http")
        out, *_ = fresh.get_command_output_raw(framed.shell, framed.command)
        assert decode_answer(out.decode(), "N1")[0] == 3  # type: ignore[index]
    assert [name for name, *_ in lab.host.frames] == ["handshake", "echo", "change"]


def test_a_named_frame_drops_the_connection_and_runs(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"drop_on_frame": "windows_reboot.*"})
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        framed.ask(1, "handshake")
        # pywinrm may open another connection by itself and send what it had sealed for the first: that does not open.
        with pytest.raises((requests.ConnectionError, WinRMTransportError)):
            framed.ask(2, "windows_reboot.restart")
    assert [name for name, *_ in lab.host.frames] == ["handshake", "windows_reboot.restart"]


def test_a_dropped_command_was_started(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"drop_after_commands": 1})
    with session(lab.pywinrm("ntlm-http")) as (protocol, shell), pytest.raises(requests.ConnectionError):
        protocol.run_command(shell, "echo")


def test_a_garbled_answer_is_no_answer(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"garble_answers": 1})
    with interpreter(lab.pywinrm("ntlm-http")) as framed:
        framed.send(frame_line(1, "handshake"))
        assert decode_answer(framed.line(), "N1") is None
        assert framed.ask(2, "echo")["ok"] is True


def test_slow_receives_come_before_output(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"empty_receives": 3})
    with session(lab.pywinrm("ntlm-http")) as (protocol, shell):
        command = protocol.run_command(shell, "echo", ["x"])
        looks = [protocol.get_command_output_raw(shell, command) for _ in range(4)]
        assert [out for out, *_ in looks] == [b"", b"", b"", b"x\r\n"]


def test_every_request_can_be_late(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"delay_s": 0.05})
    started = time.monotonic()
    with session(lab.pywinrm("basic-https")):
        assert time.monotonic() - started >= 0.05


def test_an_expired_certificate_is_seen(lab: Lab) -> None:
    lab.servers.set_faults("SM01", {"expired_certificate": True})
    with pytest.raises(requests.exceptions.SSLError, match="expired"):
        lab.pywinrm("basic-https").open_shell()
    lab.servers.set_faults("SM01", {"expired_certificate": False})
    lab.pywinrm("basic-https").open_shell()


def test_an_untrusted_authority_is_seen(lab: Lab, tmp_path: Path) -> None:
    del tmp_path
    with pytest.raises(requests.exceptions.SSLError):
        requests.post(f"https://{lab.end.address}:{lab.end.https_port}/wsman", timeout=5)
    assert ssl.create_default_context(cafile=str(lab.ca))


def test_an_unknown_fault_is_named(lab: Lab) -> None:
    with pytest.raises(UsageMistake, match="delay_s"):
        lab.servers.set_faults("SM01", {"dealy_s": 1})
    with pytest.raises(UsageMistake, match="is a whole number"):
        lab.servers.set_faults("SM01", {"max_shells": "many"})
    with pytest.raises(UsageMistake, match="no host named"):
        lab.servers.faults("SM99")


SOAP = """<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:r="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">
<s:Header><a:To>x</a:To><a:Action s:mustUnderstand="true">{action}</a:Action><a:MessageID>uuid:{id}</a:MessageID>
<w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI>
<w:OperationTimeout>PT2.5S</w:OperationTimeout>{selector}</s:Header><s:Body>{body}</s:Body></s:Envelope>"""
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"


class ByHand:
    """A client that knows nothing but the protocol's text."""

    def __init__(self, lab: Lab) -> None:
        self.url = f"https://{lab.end.address}:{lab.end.https_port}/wsman"
        self.web = requests.Session()
        self.web.auth = HTTPBasicAuth(USER.encode(), PASSWORD.encode())
        self.web.verify = str(lab.ca)
        self.web.trust_env = False

    def post(self, content: bytes) -> requests.Response:
        return self.web.post(self.url, content, headers={"Content-Type": "application/soap+xml"}, timeout=10)

    def call(self, action: str, body: str = "", shell: str = "") -> ElementTree.Element:
        selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>' if shell else ""
        message = SOAP.format(action=action, id=uuid.uuid4(), selector=selector, body=body)
        response = self.post(message.encode())
        assert response.status_code == 200, response.text
        return ElementTree.fromstring(response.content)


def test_a_client_written_by_hand_is_served(lab: Lab) -> None:
    client = ByHand(lab)
    made = client.call(f"{TRANSFER}/Create", "<r:Shell><r:InputStreams>stdin</r:InputStreams></r:Shell>")
    shell = next(one.text for one in made.iter() if one.get("Name") == "ShellId")
    body = "<r:CommandLine><r:Command>echo</r:Command><r:Arguments>a &lt;b&gt;</r:Arguments></r:CommandLine>"
    command = client.call(f"{SHELL}/Command", body, shell).findtext(f".//{{{SHELL}}}CommandId")
    body = f'<r:Receive><r:DesiredStream CommandId="{command}">stdout stderr</r:DesiredStream></r:Receive>'
    received = client.call(f"{SHELL}/Receive", body, shell)
    text = "".join(one.text or "" for one in received.iter(f"{{{SHELL}}}Stream"))
    assert base64.b64decode(text) == b"a <b>\r\n"
    assert received.findtext(f".//{{{SHELL}}}ExitCode") == "0"
    client.call(f"{TRANSFER}/Delete", "", shell)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a []><a/>'.encode("utf-16"), "document type"),
        (b"<a", "no XML"),
        (b"\xff\xff\x00", "no XML"),
        (b"<a/>", "no SOAP"),
        (SOAP.format(action="urn:nonsense", id=1, selector="", body="").encode(), "not supported"),
        (SOAP.format(action=f"{SHELL}/Command", id=1, selector="", body="").encode(), "not found"),
    ],
)
def test_a_bad_request_gets_a_fault(lab: Lab, content: bytes, reason: str) -> None:
    response = ByHand(lab).post(content)
    assert response.status_code == 500
    fault = ElementTree.fromstring(response.content)
    assert reason in "".join(fault.itertext())


def test_what_is_no_request_is_refused(lab: Lab) -> None:
    client = ByHand(lab)
    assert client.web.get(client.url, timeout=5).status_code == 405
    assert client.web.post(client.url.replace("wsman", "other"), b"x", timeout=5).status_code == 404
    assert client.post(b"x" * (3 << 20)).status_code == 413
    client.web.auth = None
    for header in ("", "Basic !!", "Negotiate !!", "Negotiate TlRMTVNTUAADAAAA", "Bearer x"):
        response = client.web.post(client.url, b"x", headers={"Authorization": header} if header else {}, timeout=5)
        assert response.status_code == 401
        assert "Negotiate" in response.headers["WWW-Authenticate"]


def test_http_takes_neither_basic_nor_plain_messages(lab: Lab) -> None:
    url = f"http://{lab.end.address}:{lab.end.winrm_port}/wsman"
    with requests.Session() as web:
        web.trust_env = False
        response = web.post(url, b"x", auth=(USER.encode(), PASSWORD.encode()), timeout=5)
        assert response.status_code == 401
        assert "Basic" not in response.headers["WWW-Authenticate"]
    protocol = lab.pywinrm("ntlm-http")
    protocol.transport.message_encryption = "never"
    with pytest.raises(WinRMTransportError, match="500"):
        protocol.open_shell()


def test_two_hundred_hosts_are_up_in_a_moment() -> None:
    servers = LabServers()
    hosts = [
        ServedHost(host=FakeLabHost(f"H{n}"), address=f"127.45.{n // 250}.{n % 250 + 1}", winrm_port=0, https_port=0)
        for n in range(200)
    ]
    started = time.monotonic()
    ends = servers.start(hosts)
    try:
        assert len(ends.hosts) == 200
        assert time.monotonic() - started < 5
    finally:
        servers.stop()


def test_only_loopback_is_served() -> None:
    for address in ("0.0.0.0", "10.1.1.1", "::1", "localhost"):
        with pytest.raises(UsageMistake, match="does not serve"):
            LabServers().start([ServedHost(host=FakeLabHost(), address=address)])
    twice = ServedHost(host=FakeLabHost(), address="127.44.0.1")
    with pytest.raises(UsageMistake, match="two hosts"):
        LabServers().start([twice, twice])


def test_a_taken_port_is_replaced() -> None:
    first, second = LabServers(), LabServers()
    served = ServedHost(host=FakeLabHost(), address="127.44.0.9", winrm_port=0, https_port=None)
    try:
        taken = first.start([served]).hosts["SM01"].winrm_port
        again = ServedHost(host=FakeLabHost(), address="127.44.0.9", winrm_port=taken, https_port=None)
        end = second.start([again]).hosts["SM01"]
        assert end.winrm_port not in (None, taken)
        assert end.https_port is None
    finally:
        first.stop()
        second.stop()
        second.stop()
