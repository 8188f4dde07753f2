"""Where secrets come from, and what is said when they do not."""

import getpass
import io
import os
import sys
import threading
import types
from pathlib import Path

import pytest

from engine.model.errors import SecretUnavailable
from engine.model.secret import Secret, SecretRef
from engine.secrets import BUILTIN, SecretBox, open_box


def opened(reference: str) -> str:
    scheme, _, name = reference.partition(":")
    return BUILTIN[scheme]().open(SecretRef(scheme, name)).reveal()


def refused(reference: str) -> SecretUnavailable:
    with pytest.raises(SecretUnavailable) as caught:
        opened(reference)
    assert caught.value.remedy
    assert reference in str(caught.value)
    return caught.value


def test_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RB_TEST_SECRET", " with blanks ")
    assert opened("env:RB_TEST_SECRET") == " with blanks "
    monkeypatch.delenv("RB_TEST_SECRET")
    assert "no variable RB_TEST_SECRET" in str(refused("env:RB_TEST_SECRET"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"secret\n", "secret"),
        (b"secret\r\nrest\n", "secret"),
        (b"secret", "secret"),
        (b"\xef\xbb\xbfs\xc3\xa4 x \n", "s\u00e4 x "),
    ],
)
def test_file_gives_its_first_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    assert opened(f"file:{path}") == expected


@pytest.mark.skipif(os.name != "posix", reason="modes are a thing of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777, 0o620])
def test_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("secret-1\n")
    path.chmod(mode)
    problem = refused(f"file:{path}")
    assert f"{mode:04o}" in str(problem)
    assert "chmod 600" in str(problem.remedy)
    assert "secret-1" not in str(problem)


def test_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    refused(f"file:{tmp_path}/none")
    refused(f"file:{tmp_path}")
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)
    assert "UTF-8" in str(refused(f"file:{path}"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_prompt_asks_without_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda text: asked.append(text) or "typed")
    assert opened("prompt:Lab password") == "typed"
    assert asked == ["Lab password: "]


def test_prompt_without_a_terminal_or_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert "no terminal" in str(refused("prompt:X"))

    def unanswered(text: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", unanswered)
    assert "unanswered" in str(refused("prompt:X"))


class FakeKeyringError(Exception):
    pass


def fake_keyring(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    def get_password(service: str, name: str) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer if (service, name) == ("estate/lab", "operator") else None

    errors = types.ModuleType("keyring.errors")
    errors.KeyringError = FakeKeyringError  # type: ignore[attr-defined]
    module = types.ModuleType("keyring")
    module.get_password = get_password  # type: ignore[attr-defined]
    module.errors = errors  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


def test_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_keyring(monkeypatch, "kept")
    assert opened("keyring:estate/lab/operator") == "kept"
    assert "keyring set other name" in str(refused("keyring:other/name").remedy)
    refused("keyring:no-slash")
    fake_keyring(monkeypatch, FakeKeyringError("locked"))
    assert "locked" in str(refused("keyring:estate/lab/operator"))


def test_keyring_missing_is_said_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "[keyring]" in str(refused("keyring:a/b").remedy)


class Counting:
    def __init__(self, value: str) -> None:
        self.value = value
        self.count = 0

    def open(self, ref: SecretRef) -> Secret:
        self.count += 1
        return Secret(self.value)


def test_a_box_opens_each_reference_once_even_for_many_hosts_at_once() -> None:
    provider = Counting("secret-1")
    box = SecretBox({"prompt": provider})
    threads = [threading.Thread(target=box.open, args=(SecretRef("prompt", "x"),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert provider.count == 1
    assert box.masker.text("a secret-1") == "a ********"


def test_a_failed_question_may_be_asked_again() -> None:
    provider = Counting("")
    box = SecretBox({"prompt": provider})
    with pytest.raises(SecretUnavailable, match="empty"):
        box.open(SecretRef("prompt", "x"))
    provider.value = "secret-1"
    assert box.open(SecretRef("prompt", "x")).reveal() == "secret-1"


@pytest.mark.parametrize("value", ["abc", "****"])
def test_what_no_output_could_hide_is_refused(value: str) -> None:
    with pytest.raises(SecretUnavailable, match="no output could hide it") as caught:
        SecretBox({"env": Counting(value)}).open(SecretRef("env", "X"))
    assert value not in str(caught.value).replace("env:X", "")


def test_a_remembered_secret_is_masked_too() -> None:
    box = open_box()
    box.remember(Secret("typed-in"))
    assert box.masker.value(["typed-in"]) == ["********"]


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(SecretUnavailable, match="vault") as caught:
        open_box().open(SecretRef("vault", "x"))
    assert all(f"{scheme}:" in str(caught.value.remedy) for scheme in BUILTIN)
