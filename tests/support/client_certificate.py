"""Client certificates for tests: an authority of our own, and what it or another signs for a user principal name."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)
_PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Signs for anybody."""

    name: str = "Clients' authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> str:
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(self.name))
            .issuer_name(_name(self.name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + 30 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def sign(
        self,
        folder: Path,
        user: str,
        *,
        starts: int = -1,
        ends: int = 90,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        passphrase: bytes | None = None,
    ) -> tuple[Path, Path]:
        """The files of certificate and key; ``starts`` and ``ends`` are days from now."""
        now, key = datetime.datetime.now(datetime.UTC), ec.generate_private_key(ec.SECP256R1())
        raw = user.encode()
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(user))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + starts * _DAY)
            .not_valid_after(now + ends * _DAY)
            .add_extension(
                x509.SubjectAlternativeName([x509.OtherName(_PRINCIPAL_NAME, bytes([12, len(raw)]) + raw)]),
                critical=False,
            )
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        folder.mkdir(exist_ok=True)
        certificate, private = folder / "client.pem", folder / "client.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        sealed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed))
        return certificate, private
