"""Every message is the one that pywinrm itself would send, and every answer means what it means to pywinrm."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from winrm.protocol import Protocol

from engine.connections.winrm_letters import Letters

SHELL, COMMAND = "11112222-1111-2222-3333-444455556666", "AAAABBBB-1111-2222-3333-444455556666"
ID = re.compile(r"uuid:[0-9a-fA-F-]{36}")
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Body><rsp:ReceiveResponse>{}'
    "</rsp:ReceiveResponse></s:Body></s:Envelope>"
)
STATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/"


class Recorder(Protocol):
    """Keeps what is sent and answers with ``answer``."""

    def __init__(self, answer: str = "<a/>", timeout_s: int = 20) -> None:
        self.operation_timeout_sec = timeout_s
        self.sent: list[str] = []
        self.answer = answer

    def send_message(self, message: str) -> bytes:
        self.sent.append(message)
        return self.answer.encode()


@given(data=st.binary(max_size=300), end=st.booleans())
def test_a_send_is_that_of_pywinrm(data: bytes, end: bool) -> None:
    letters, ours, theirs = Letters(), Recorder(), Recorder()
    for _ in range(2):
        letters.send(ours, SHELL, COMMAND, data, end=end)
    theirs.send_command_input(SHELL, COMMAND, data, end=end)
    first, second = ours.sent
    assert ID.sub("", first) == ID.sub("", second) == ID.sub("", theirs.sent[0])
    assert ID.findall(first) != ID.findall(second)
    assert len(ID.findall(first)) == 1


def test_a_receive_is_that_of_pywinrm_and_follows_the_time_limit() -> None:
    letters = Letters()
    for timeout_s in (20, 20, 3):
        ours, theirs = Recorder(timeout_s=timeout_s), Recorder(timeout_s=timeout_s)
        letters.receive(ours, SHELL, COMMAND)
        theirs.get_command_output_raw(SHELL, COMMAND)
        assert ID.sub("", ours.sent[0]) == ID.sub("", theirs.sent[0])
        assert f"PT{timeout_s}S" in ours.sent[0]


def stream(name: str, data: bytes) -> str:
    return f'<rsp:Stream Name="{name}" CommandId="{COMMAND}">{base64.b64encode(data).decode()}</rsp:Stream>'


def state(word: str, inner: str = "") -> str:
    return f'<rsp:CommandState CommandId="{COMMAND}" State="{STATE}{word}">{inner}</rsp:CommandState>'


PARTS = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=40)).map(lambda one: stream(*one)), max_size=5
)
ENDS = st.sampled_from(
    [
        "",
        state("Running"),
        state("Done", "<rsp:ExitCode>0</rsp:ExitCode>"),
        state("Done", "<rsp:ExitCode>3</rsp:ExitCode>"),
    ]
)


@given(parts=PARTS, end=ENDS)
def test_an_answer_means_what_it_means_to_pywinrm(parts: list[str], end: str) -> None:
    answer = ENVELOPE.format("".join(parts) + end)
    ours = Letters().receive(Recorder(answer), SHELL, COMMAND)
    assert ours == Recorder(answer).get_command_output_raw(SHELL, COMMAND)


def test_an_answer_that_is_no_xml_is_an_error() -> None:
    with pytest.raises(Exception, match=r"syntax error|not well-formed"):
        Letters().receive(Recorder("nonsense"), SHELL, COMMAND)
