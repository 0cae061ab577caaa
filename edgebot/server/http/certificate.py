"""TLS for the local network: a certificate of the board's own, told by its fingerprint."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgebot.core.errors import ConfigError, StoreError

_DAYS = 820
"""Phones refuse certificates that live longer than 825 days."""

_RENEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key on disk."""

    certificate: Path
    key: Path
    fingerprint: str
    """SHA-256 of the certificate, as browsers show it: ``AB:CD:…``."""

    own: bool
    """Generated here, so that nobody vouches for it but the fingerprint."""


def certificate_of(
    state_dir: Path, certificate: Path | None, key: Path | None, names: tuple[str, ...] = ()
) -> Certificate:
    """The certificate of the settings, or the generated one, made or renewed when needed.

    Raises ``ConfigError`` when the files of the settings cannot be used.
    """
    if certificate is not None or key is not None:
        if certificate is None or key is None:
            raise ConfigError("server.tls_certificate and server.tls_key belong together; set both")
        try:
            loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
            serialization.load_pem_private_key(key.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                f"the TLS certificate cannot be used ({error}); server.tls_certificate and "
                "server.tls_key name two PEM files, the key without a password"
            ) from None
        return Certificate(certificate, key, fingerprint(loaded), own=False)
    folder = state_dir / "server"
    made = Certificate(folder / "certificate.pem", folder / "key.pem", "", own=True)
    current = _usable(made)
    if current is None:
        current = _generate(made, names)
    return Certificate(made.certificate, made.key, fingerprint(current), own=True)


def fingerprint(certificate: x509.Certificate) -> str:
    """``AB:CD:…`` of SHA-256."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _usable(made: Certificate) -> x509.Certificate | None:
    try:
        current = x509.load_pem_x509_certificate(made.certificate.read_bytes())
        serialization.load_pem_private_key(made.key.read_bytes(), None)
    except (OSError, ValueError):
        return None
    left = current.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return current if left > datetime.timedelta(days=_RENEW_DAYS) else None


def _generate(made: Certificate, names: tuple[str, ...]) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname() or "edgebot"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(_alternatives(host, names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(made.key, secret, 0o600)
    _write(made.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate


def _alternatives(host: str, names: tuple[str, ...]) -> list[x509.GeneralName]:
    wanted = dict.fromkeys((host, f"{host.partition('.')[0]}.local", "localhost", *names))
    found: list[x509.GeneralName] = [
        x509.DNSName(name) for name in wanted if name.isascii() and name
    ]
    addresses = {
        address.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family in (socket.AF_INET, socket.AF_INET6)
    }
    return [*found, *(x509.IPAddress(ipaddress.ip_address(one)) for one in sorted(addresses))]


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
