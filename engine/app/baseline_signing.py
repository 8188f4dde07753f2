"""Signs a baseline with the key of this jump host, and tells whether a signature fits.

The key is made at its first use, beside the journal, readable by its owner alone. What is signed is the canonical JSON
of the document without its signature, so layout and order of a file may change and no value may.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from engine.model.data import JsonMap, JsonValue, canonical_json
from engine.model.errors import StorageFailed, UsageMistake

KEY_FILE = "baseline.key"
_SIZE = 32
_REMEDY = "restore the key file from a backup; without it, move it away: a new key is made, with another fingerprint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who signed a document and when; ``fits`` is false if the content is not what was signed."""

    fits: bool
    fingerprint: str
    signed_at: str


def signed(document: JsonMap, state: Path, at: str) -> JsonMap:
    """The document with the signature of this jump host."""
    content = {name: one for name, one in document.items() if name != "signature"}
    key = _own_key(state / KEY_FILE)
    public = _public(key.public_key())
    block = {"algorithm": "ed25519", "public_key": public.hex(), "fingerprint": fingerprint(public), "signed_at": at}
    value = key.sign(_text(content, block))
    return {**content, "signature": {**block, "value": value.hex()}}


def check(document: JsonMap) -> Signed | None:
    """Whether the signature fits; None for a document without one."""
    if "signature" not in document:
        return None
    block = document["signature"]
    if not isinstance(block, Mapping):
        return Signed(fits=False, fingerprint="", signed_at="")
    content = {name: one for name, one in document.items() if name != "signature"}
    told = {name: str(block.get(name)) for name in ("algorithm", "public_key", "fingerprint", "signed_at")}
    try:
        public = bytes.fromhex(told["public_key"])
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(bytes.fromhex(str(block.get("value"))), _text(content, told))
        fits = told["fingerprint"] == fingerprint(public)
    except (ValueError, InvalidSignature):
        fits = False
    return Signed(fits=fits, fingerprint=told["fingerprint"], signed_at=told["signed_at"])


def refuse_altered(document: JsonValue, place: str) -> None:
    """``UsageMistake`` if the signature does not fit the content."""
    found = check(document) if isinstance(document, Mapping) and "signature" in document else None
    if found is not None and not found.fits:
        raise UsageMistake(
            f"{place} was changed after it was signed: its signature does not fit its content",
            remedy="take the file as the run wrote it; to use a changed one on purpose, remove its signature block",
        )


def own_fingerprint(state: Path) -> str | None:
    """The fingerprint of this jump host's key; None where it has not signed anything yet."""
    path = state / KEY_FILE
    return fingerprint(_public(_read(path).public_key())) if path.exists() else None


def fingerprint(public: bytes) -> str:
    """SHA-256 of a public key."""
    return hashlib.sha256(public).hexdigest()


def _text(content: JsonMap, block: Mapping[str, JsonValue]) -> bytes:
    """The time of the signature is signed too."""
    return canonical_json({"document": _plain(content), "signature": _plain(block)}).encode()


def _plain(value: JsonValue) -> JsonValue:
    """The same, of kinds that can be written: a plan keeps its baseline in mappings that cannot change."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _public(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _own_key(path: Path) -> Ed25519PrivateKey:
    """The key; made whole or not at all, and never over one that is there."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
            _place(fresh, path)
        except OSError as error:
            raise StorageFailed(f"{path} cannot be written: {error.strerror}", remedy="check that folder") from error
    return _read(path)


def _place(fresh: Path, path: Path) -> None:
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another run made it in this moment; that one counts
    except OSError:  # a disk without hard links
        fresh.replace(path)
        return
    fresh.unlink()


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageFailed(f"{path} cannot be read: {error.strerror}", remedy=_REMEDY) from error
    if len(content) != _SIZE:
        raise StorageFailed(f"{path} is no key: it has {len(content)} bytes and not {_SIZE}", remedy=_REMEDY)
    return Ed25519PrivateKey.from_private_bytes(content)
