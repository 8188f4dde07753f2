"""Where secrets come from: the environment, a file, a person, the keyring. Messages never show a value."""

import getpass
import os
import stat
import sys
from pathlib import Path

from engine.model.errors import SecretUnavailable
from engine.model.secret import Secret, SecretRef

_MAX_FILE_BYTES = 64 * 1024


class EnvironmentSecrets:
    """``env:NAME``: an environment variable."""

    def open(self, ref: SecretRef) -> Secret:
        """The variable's value."""
        value = os.environ.get(ref.name)
        if value is None:
            raise SecretUnavailable(
                f"{ref}: the environment has no variable {ref.name}", remedy=f"set {ref.name} before the run"
            )
        return Secret(value)


class FileSecrets:
    """``file:PATH``: the first line of a file that only its owner can read."""

    def open(self, ref: SecretRef) -> Secret:
        """The first line without its line end."""
        path = Path(ref.name).expanduser()
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(_MAX_FILE_BYTES)
        except OSError as error:
            raise SecretUnavailable(
                f"{ref}: the file cannot be read: {error.strerror}", remedy="check the path and its permissions"
            ) from error
        self._check_mode(ref, path, mode)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SecretUnavailable(f"{ref}: the file is not UTF-8 text", remedy="save it as UTF-8") from error
        return Secret(text.split("\n", 1)[0].rstrip("\r"))

    def _check_mode(self, ref: SecretRef, path: Path, mode: int) -> None:
        # Windows has no such bits: there the file's access list decides, and the administrator with it.
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretUnavailable(
                f"{ref}: other users of this machine may read the file (mode {stat.S_IMODE(mode):04o})",
                remedy=f"run: chmod 600 {path}",
            )


class PromptSecrets:
    """``prompt:LABEL``: typed by a person, without echo."""

    def open(self, ref: SecretRef) -> Secret:
        """Asks; refused where nobody can answer."""
        if not sys.stdin.isatty():
            raise SecretUnavailable(
                f"{ref}: there is no terminal to ask at",
                remedy="run at a terminal, or refer to the secret as env:NAME or file:PATH",
            )
        try:
            return Secret(getpass.getpass(f"{ref.name}: "))
        except EOFError as error:
            raise SecretUnavailable(f"{ref}: the question was left unanswered", remedy="answer it") from error


class KeyringSecrets:
    """``keyring:SERVICE/NAME``: the operating system's store, through the optional package ``keyring``."""

    def open(self, ref: SecretRef) -> Secret:
        """What the store holds under that service and name."""
        service, slash, name = ref.name.rpartition("/")
        if not (service and slash and name):
            raise SecretUnavailable(f"{ref}: a keyring reference is keyring:SERVICE/NAME", remedy="name both")
        try:
            import keyring  # noqa: PLC0415 - an extra, and slow to import
            import keyring.errors  # noqa: PLC0415
        except ImportError as error:
            raise SecretUnavailable(
                f"{ref}: the Python package keyring is not installed",
                remedy='install it: pip install "recovery-runbooks[keyring]"',
            ) from error
        try:
            value = keyring.get_password(service, name)
        except keyring.errors.KeyringError as error:
            raise SecretUnavailable(f"{ref}: the keyring cannot be opened: {error}", remedy="unlock it") from error
        if value is None:
            raise SecretUnavailable(
                f"{ref}: the keyring holds nothing under that name", remedy=f"run: keyring set {service} {name}"
            )
        return Secret(value)
