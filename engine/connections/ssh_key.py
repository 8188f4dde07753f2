"""Which key an SSH logon uses. A key file with a passphrase is never opened here: its key has to be in the agent, where
it is found by its public half. A file with only the public half names a key of the agent as well. No other key of the
agent is then offered, as hosts close the connection after a few.
"""

import base64
import binascii
import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import paramiko

from engine.connections.ssh_trust import fingerprint
from engine.model.errors import AuthenticationFailed

_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_PUBLIC = ("ssh-", "ecdsa-", "sk-")
_SHOWN = 3


@contextlib.contextmanager
def chosen_key(host: str, file: Path | None) -> Iterator[paramiko.PKey | None]:
    """The key of a file, or the agent's that it stands for; None where no file is named.

    ``OSError`` if the file cannot be read; ``AuthenticationFailed`` if its key is not to be had.
    """
    content = b"" if file is None else file.read_bytes()
    if file is None:
        yield None
    elif not _needs_agent(content):
        yield _opened(host, file)
    else:
        blob = _public_half(file, content)
        with _agent_keys() as keys:
            found = [key for key in keys if key.asbytes() == blob]
            if not found:
                raise _not_there(host, file, known=blob is not None)
            yield found[0]


def agent_words() -> str:
    """What the agent of this session holds, as a phrase."""
    if os.name != "nt" and not _socket_path():
        return "no agent runs in this session (SSH_AUTH_SOCK is not set)"
    if not agent_answers():
        return f"the agent does not answer ({_socket_path() or 'neither Pageant nor OpenSSH'})"
    with _agent_keys() as keys:
        return _held(keys)


def agent_answers() -> bool:
    """Whether an agent can be reached. Asked first, as paramiko leaves a socket open where it finds none."""
    family = getattr(socket, "AF_UNIX", None)
    if os.name == "nt" or family is None:
        return bool(paramiko.Agent().get_keys())
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(_socket_path())
        except OSError:
            return False
    return True


def _socket_path() -> str:
    return os.environ.get("SSH_AUTH_SOCK", "")


@contextlib.contextmanager
def _agent_keys() -> Iterator[Sequence[paramiko.AgentKey]]:
    if not agent_answers():
        yield ()
        return
    agent = paramiko.Agent()
    try:
        yield agent.get_keys()
    finally:
        agent.close()


def _opened(host: str, file: Path) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(file)
    except (ValueError, TypeError, IndexError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        raise AuthenticationFailed(
            host,
            f"the key {file}",
            "it is no private key that can be read",
            remedy="correct `ansible_ssh_private_key_file`; OpenSSH and PEM files with an RSA, ECDSA or Ed25519 key "
            f"can be read, ssh-keygen -y -f {file} says whether the file is whole",
        ) from error


def _held(keys: Sequence[paramiko.AgentKey]) -> str:
    if not keys:
        return "the agent holds no key, or is locked"
    shown = ", ".join(fingerprint(key) for key in keys[:_SHOWN])
    return f"the agent holds {len(keys)} ({shown}{', ...' if len(keys) > _SHOWN else ''})"


def _needs_agent(content: bytes) -> bool:
    text = content.decode("latin-1").lstrip()
    if text.startswith(_OPENSSH):
        return _openssh_parts(text)[0] != "none"
    if text.startswith(_PUBLIC):
        return "-cert-v01@" not in text.split(maxsplit=1)[0]  # a certificate goes with the private key beside it
    return "ENCRYPTED" in text[:200]


def _public_half(file: Path, content: bytes) -> bytes | None:
    """In an OpenSSH key the public half stands in clear; beside any other kind it may lie in a file of its own."""
    text = content.decode("latin-1").lstrip()
    if text.startswith(_OPENSSH):
        return _openssh_parts(text)[1]
    if not text.startswith(_PUBLIC):
        try:
            text = Path(f"{file}.pub").read_text(encoding="utf-8")
        except OSError:
            return None
    try:
        return base64.b64decode(text.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return None


def _openssh_parts(text: str) -> tuple[str, bytes | None]:
    """Cipher and public half; a file that is cut or damaged counts as without a cipher, for paramiko to refuse."""
    body = "".join(line for line in text.splitlines() if line and not line.startswith("-----"))
    try:
        raw = base64.b64decode(body, validate=True)
        if not raw.startswith(_MAGIC):
            return "none", None
        message = paramiko.Message(raw[len(_MAGIC) :])
        cipher = message.get_text()
        message.get_binary()  # how the passphrase becomes a key
        message.get_binary()
        return (cipher, message.get_binary()) if message.get_int() else (cipher, None)
    except (binascii.Error, ValueError, UnicodeDecodeError):
        return "none", None


def _not_there(host: str, file: Path, *, known: bool) -> AuthenticationFailed:
    if not known:
        return AuthenticationFailed(
            host,
            f"the key {file}",
            f"it has a passphrase, and {file}.pub, by which the agent's key would be found, is not there or damaged",
            remedy=f"write it with: ssh-keygen -y -f {file} > {file}.pub, and load the key with: ssh-add {file}",
        )
    return AuthenticationFailed(
        host,
        f"the key {file}",
        f"it is only to be had from an agent, and the agent does not hold it: {agent_words()}",
        remedy=f"load it into the agent of this session: ssh-add {str(file).removesuffix('.pub')}",
    )
