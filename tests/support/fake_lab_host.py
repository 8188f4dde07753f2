"""A small stand-in for a lab machine: it answers frames with what it was asked, and runs a few command lines."""

import threading
import time

from engine.lab.host import PwshPrelude
from engine.model.data import JsonMap
from engine.model.frame import HANDSHAKE, STAGE_0, Frame, encode_frame, encoded_command

USER = "LAB\\operator"
PASSWORD = "Gr\u00fcn:Licht 7"
COMMAND = f"powershell.exe -NoProfile -NonInteractive -InputFormat Text -EncodedCommand {encoded_command(STAGE_0)}"


class FakeLabHost:
    def __init__(self, name: str = "SM01") -> None:
        self._name = name
        self.up = True
        self.boot = 1
        self.accounts = {USER.casefold(): PASSWORD, "local": "simple"}
        self.frames: list[tuple[str, str, JsonMap]] = []
        self.hold = threading.Event()
        self.hold.set()

    @property
    def name(self) -> str:
        return self._name

    def reachable(self) -> bool:
        return self.up

    def boot_number(self) -> int:
        return self.boot

    def password_of(self, user: str) -> str | None:
        return self.accounts.get(user.casefold())

    def answer(self, frame: Frame, text: str) -> JsonMap:
        self.frames.append((frame.name, text, frame.arguments))
        if frame.name == "slow":
            self.hold.wait(20)
        if frame.name == "bug":
            raise RuntimeError("a wheel came off")
        value: JsonMap = {"boot": self.boot} if frame.name == HANDSHAKE else {"text": text, **frame.arguments}
        return {"ok": True, "value": value, "errors": [], "exit_code": None}

    def shell(self, command_line: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        program, _, rest = command_line.partition(" ")
        match program:
            case "echo":
                return 0, rest.encode() + b"\r\n", b""
            case "fail":
                return int(rest), b"some output", b"some error"
            case "big":
                return 0, bytes(range(256)) * (int(rest) // 256), b""
            case "upper" | "sh":
                return 0, stdin.upper(), b""
            case "sleep":
                time.sleep(float(rest))
                return 0, b"rested", b""
            case _:
                return 1, b"", f"'{program}' is not recognized".encode()


class FakePwshHost(FakeLabHost):
    def __init__(self, name: str = "SM01") -> None:
        super().__init__(name)
        self.taken_over = 0

    def pwsh_prelude(self) -> PwshPrelude:
        return PwshPrelude("function Get-Wheel { 'round ' + $env:LAB_WHEEL }", {"LAB_WHEEL": "red"}, self._after)

    def _after(self) -> None:
        self.taken_over += 1


def frame_line(number: int, name: str, text: str = "1", *, known: bool = False, **arguments: object) -> bytes:
    line = encode_frame(nonce="N1", number=number, name=name, text=text, known=known, arguments=arguments)
    return line.encode("ascii") + b"\n"
