# SPDX-License-Identifier: GPL-3.0-or-later
"""A small authority of the lab's own: it certifies the addresses of its servers on this machine's networks."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.state import write_private

_VALID = datetime.timedelta(days=3650)
_LEFT = datetime.timedelta(days=30)


def ensure_authority(path: Path, name: str) -> None:
    """Have an authority's certificate (PEM) at this path, and its key beside it (`.key`)."""
    if _pair(path, path.with_suffix(".key")):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = (
        _builder(subject, subject, key.public_key(), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(*[False] * 5, True, True, *[False] * 2), critical=True)  # signs certificates, CRLs
    )
    _write(path, path.with_suffix(".key"), builder.sign(key, hashes.SHA256()), key)


def ensure_server(path: Path, key_path: Path, authority_path: Path, address: str) -> None:
    """Have a server's certificate for an address, of this authority, and its key."""
    authority, authority_key = _pair(authority_path, authority_path.with_suffix(".key"))
    found = _pair(path, key_path)
    if found and _is_of(found[0], authority) and _addresses(found[0]) == [address]:
        return
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = (
        _builder(_name(address), authority.subject, key.public_key(), authority.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
    )
    _write(path, key_path, builder.sign(authority_key, hashes.SHA256()), key)


def _builder(subject: x509.Name, issuer: x509.Name, public: object, signing: object) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _is_of(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _addresses(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(address) for address in names.get_values_for_type(x509.IPAddress)]


def _pair(path: Path, key_path: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """A certificate and its key; None when one is missing, broken, not the other's, or about to expire."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (OSError, ValueError):
        return None
    lasts = certificate.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc) > _LEFT
    return (certificate, key) if lasts and certificate.public_key() == key.public_key() else None


def _write(path: Path, key_path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(key_path, private.decode())
    write_private(path, certificate.public_bytes(serialization.Encoding.PEM).decode())
