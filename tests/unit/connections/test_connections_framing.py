"""Framing over a pipe whose every answer is written down here: what is garbled, late, cut or gone."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connections.deadline import Deadline
from engine.connections.framing import PIECE_BYTES, FramedSession, HandshakeFailed, NotSent
from engine.connections.pipe import Output, PipeGone
from engine.connections.powershell import PowerShell
from engine.model.command import Script
from engine.model.errors import CommandTimedOut, ConnectFailed, ConnectionLost
from engine.model.frame import HANDSHAKE, Frame, decode_frame, encode_answer

SCRIPT = Script(name="look.ps1", text="param($Arguments)", arguments={"a": 1})
Answer = Callable[[Frame], list[Output | Exception]]


def answer(frame: Frame, **parts: object) -> bytes:
    body = {"ok": True, "value": {"n": frame.number}, "errors": [], "exit_code": None, **parts}
    return encode_answer(frame.nonce, frame.number, body).encode() + b"\r\n"  # type: ignore[arg-type]


def plain(frame: Frame) -> list[Output | Exception]:
    return [Output(stdout=answer(frame))]


class FakePipe:
    """Answers each frame as ``script`` says; refuses writes as ``refusals`` says."""

    def __init__(self, script: Answer = plain, refusals: dict[int, PipeGone] | None = None) -> None:
        self.script = script
        self.refusals = refusals or {}
        self.frames: list[Frame] = []
        self.pieces: list[bytes] = []
        self.waiting: list[Output | Exception] = []
        self.line = b""
        self.ended = self.closed = False

    def write(self, data: bytes, deadline: Deadline, *, end: bool = False) -> None:
        if len(self.pieces) in self.refusals:
            raise self.refusals.pop(len(self.pieces))
        self.pieces.append(data)
        self.ended = self.ended or end
        self.line += data
        while b"\n" in self.line:
            line, self.line = self.line.split(b"\n", 1)
            if b" " in line:
                frame = decode_frame(line.decode("ascii"))
                self.frames.append(frame)
                self.waiting += plain(frame) if frame.name == HANDSHAKE else self.script(frame)

    def read(self, deadline: Deadline) -> Output:
        if not self.waiting:
            return Output()
        one = self.waiting.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    def close(self) -> None:
        self.closed = True


def soon() -> Deadline:
    return Deadline.after(0.2)


def test_frames_are_numbered_and_a_script_is_sent_once() -> None:
    pipe = FakePipe()
    session = FramedSession("SM01", pipe)
    assert [session.run(SCRIPT, soon()).value for _ in range(3)] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert [frame.text for frame in pipe.frames] == [SCRIPT.text, None, None]
    assert len({frame.nonce for frame in pipe.frames}) == 1
    assert {frame.name for frame in pipe.frames} == {"look.ps1"}


def test_a_forgotten_script_is_sent_again() -> None:
    def script(frame: Frame) -> list[Output | Exception]:
        return [Output(stdout=answer(frame, ok=False, unknown_script=frame.number == 2))]

    pipe = FakePipe(script)
    session = FramedSession("SM01", pipe)
    session.run(SCRIPT, soon())
    session.run(SCRIPT, soon())
    assert [frame.text for frame in pipe.frames] == [SCRIPT.text, None, SCRIPT.text]


def test_a_large_frame_goes_in_pieces_below_the_envelope() -> None:
    pipe = FakePipe()
    FramedSession("SM01", pipe).run(Script(name="x", text="y", arguments={"t": "z" * 300_000}), soon())
    assert max(map(len, pipe.pieces)) <= PIECE_BYTES
    assert len(pipe.pieces) > 5
    assert pipe.pieces[-1].endswith(b"\n")
    assert not any(b"\n" in piece for piece in pipe.pieces[:-1])


@given(cuts=st.lists(st.integers(1, 400), max_size=12), noise=st.lists(st.binary(max_size=40), max_size=4))
def test_an_answer_is_found_however_it_is_cut_and_whatever_surrounds_it(cuts: list[int], noise: list[bytes]) -> None:
    lines = [one.replace(b"\n", b".").replace(b"\r", b".") for one in noise]

    def script(frame: Frame) -> list[Output | Exception]:
        whole = b"".join(line + b"\n" for line in lines) + answer(frame)
        at, pieces = 0, []
        for cut in cuts:
            pieces.append(whole[at : at + cut])
            at += cut
        return [Output(stdout=piece) for piece in (*pieces, whole[at:])]

    result = FramedSession("SM01", FakePipe(script)).run(SCRIPT, soon())
    assert result.value == {"n": 1}
    assert result.stray.count("\n") >= len([line for line in lines if line])


def test_stray_output_is_read_in_the_code_page_of_the_host() -> None:
    class Cp437(FakePipe):
        def write(self, data: bytes, deadline: Deadline, *, end: bool = False) -> None:
            super().write(data, deadline, end=end)
            if self.frames and self.frames[-1].name == HANDSHAKE:
                self.waiting = [Output(stdout=answer(self.frames[-1], value={"code_page": 437}))]

    pipe = Cp437(lambda frame: [Output(stderr=b"Gr\x81n"), Output(stdout=answer(frame))])
    session = FramedSession("SM01", pipe)
    session.handshake(soon())
    assert session.run(SCRIPT, soon()).stray == "Gr\u00fcn"


def test_answers_of_other_frames_and_other_runs_are_stray() -> None:
    def script(frame: Frame) -> list[Output | Exception]:
        old = encode_answer(frame.nonce, frame.number + 7, {"ok": True})
        foreign = encode_answer("0" * 16, frame.number, {"ok": True})
        return [Output(stdout=f"{old}\n{foreign}\n".encode() + answer(frame))]

    result = FramedSession("SM01", FakePipe(script)).run(SCRIPT, soon())
    assert result.value == {"n": 1}
    assert result.stray.count("\n") == 2


def test_a_damaged_answer_is_in_doubt_at_once() -> None:
    def script(frame: Frame) -> list[Output | Exception]:
        return [Output(stdout=answer(frame)[:-9] + b"\n")]

    with pytest.raises(ConnectionLost, match="damaged"):
        FramedSession("SM01", FakePipe(script)).run(SCRIPT, Deadline.after(60))


def test_a_cut_answer_and_the_end_of_the_process_are_in_doubt() -> None:
    def script(frame: Frame) -> list[Output | Exception]:
        return [Output(stdout=answer(frame)[:20]), Output(stderr=b"out of memory", ended=True, exit_code=7)]

    with pytest.raises(ConnectionLost, match=r"exit code 7.*out of memory"):
        FramedSession("SM01", FakePipe(script)).run(SCRIPT, Deadline.after(60))


def test_an_answer_that_comes_with_the_end_still_counts() -> None:
    pipe = FakePipe(lambda frame: [Output(stdout=answer(frame), ended=True, exit_code=0)])
    assert FramedSession("SM01", pipe).run(SCRIPT, soon()).ok


def test_silence_is_a_time_out() -> None:
    with pytest.raises(CommandTimedOut):
        FramedSession("SM01", FakePipe(lambda _: [])).run(SCRIPT, Deadline.after(0.05))


def test_a_break_while_waiting_is_in_doubt() -> None:
    pipe = FakePipe(lambda _: [PipeGone("reset by peer")])
    with pytest.raises(ConnectionLost, match="reset by peer"):
        FramedSession("SM01", pipe).run(SCRIPT, soon())


@pytest.mark.parametrize(
    ("refused", "delivered", "expected"),
    [(0, True, ConnectionLost), (0, False, NotSent)],
)
def test_a_break_while_sending_the_last_piece(refused: int, delivered: bool, expected: type[Exception]) -> None:
    pipe = FakePipe(refusals={refused: PipeGone("gone", delivered=delivered)})
    with pytest.raises(expected):
        FramedSession("SM01", pipe).run(SCRIPT, soon())


def test_a_break_before_the_last_piece_means_nothing_ran() -> None:
    pipe = FakePipe(refusals={1: PipeGone("gone", delivered=True)})
    with pytest.raises(NotSent):
        FramedSession("SM01", pipe).run(Script(name="x", text="y" * 3 * PIECE_BYTES), soon())


@given(st.binary(max_size=200))
def test_garbage_is_never_an_answer(garbage: bytes) -> None:
    pipe = FakePipe(lambda _: [Output(stdout=garbage + b"\n"), PipeGone("reset")])
    with pytest.raises(ConnectionLost, match="reset"):
        FramedSession("SM01", pipe).run(SCRIPT, Deadline.after(60))


@pytest.mark.parametrize("said", [{"value": None}, {"value": [1]}, {"ok": False, "errors": [{"message": "policy"}]}])
def test_a_wrong_handshake_fails(said: dict[str, object]) -> None:
    class Wrong(FakePipe):
        def read(self, deadline: Deadline) -> Output:
            return Output(stdout=answer(self.frames[-1], **said)) if self.frames else Output()

    with pytest.raises(HandshakeFailed):
        FramedSession("SM01", Wrong()).handshake(soon())


class Starter:
    """Gives out pipes in order."""

    def __init__(self, *pipes: FakePipe) -> None:
        self.pipes = list(pipes)
        self.given: list[FakePipe] = []

    def __call__(self, deadline: Deadline) -> FakePipe:
        self.given.append(self.pipes.pop(0))
        return self.given[-1]


class Silent(FakePipe):
    """Answers nothing before its input has ended, as a host that buffers its input would."""

    def read(self, deadline: Deadline) -> Output:
        return super().read(deadline) if self.ended else Output()


def test_without_a_handshake_each_command_gets_its_own_process() -> None:
    start = Starter(Silent(), Silent(), Silent(), Silent())
    powershell = PowerShell("SM01", start, handshake_s=0.05)
    powershell.open(Deadline.after(5))
    assert not powershell.persistent
    assert "handshake failed" in powershell.note
    assert [powershell.run(SCRIPT, Deadline.after(5)).ok for _ in range(2)] == [True, True]
    assert all(pipe.closed for pipe in start.given)
    assert len(start.given) == 4


def test_a_frame_that_was_not_sent_goes_to_a_fresh_interpreter() -> None:
    stale = FakePipe(refusals={2: PipeGone("the shell is gone", delivered=False)})
    start = Starter(stale, FakePipe())
    powershell = PowerShell("SM01", start)
    powershell.open(Deadline.after(5))
    assert powershell.run(SCRIPT, Deadline.after(5)).ok
    assert stale.closed
    assert [frame.name for frame in stale.frames] == [HANDSHAKE]


def test_a_frame_that_may_have_arrived_is_not_sent_twice() -> None:
    stale = FakePipe(refusals={2: PipeGone("reset", delivered=True)})
    start = Starter(stale, FakePipe())
    powershell = PowerShell("SM01", start)
    powershell.open(Deadline.after(5))
    with pytest.raises(ConnectionLost):
        powershell.run(SCRIPT, Deadline.after(5))
    assert len(start.given) == 1
    assert powershell.run(SCRIPT, Deadline.after(5)).ok


def test_a_host_that_never_takes_a_frame_is_not_asked_for_ever() -> None:
    pipes = [FakePipe(refusals={2: PipeGone("full", delivered=False)}) for _ in range(2)]
    with pytest.raises(ConnectFailed, match="full"):
        PowerShell("SM01", Starter(*pipes)).run(SCRIPT, Deadline.after(5))


def test_a_break_during_the_handshake_is_no_reason_to_fall_back() -> None:
    class Broken(FakePipe):
        def read(self, deadline: Deadline) -> Output:
            raise PipeGone("reset by peer")

    broken = Broken()
    powershell = PowerShell("SM01", Starter(broken, FakePipe()))
    with pytest.raises(ConnectFailed, match="reset by peer"):
        powershell.open(Deadline.after(5))
    assert broken.closed
    assert powershell.persistent
    powershell.open(Deadline.after(5))
    assert powershell.run(SCRIPT, Deadline.after(5)).ok
