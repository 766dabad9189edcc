"""Authorities, keys and certificates for tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


@cache
def key(name):
    """The key of that name."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(name):
    """It as a text."""
    return key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def pem(*certificates):
    """A chain as a text."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def _certificate(subject, key_name, issuer, begin, end):
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
    builder = builder.public_key(key(key_name).public_key()).serial_number(0xABC)
    builder = builder.not_valid_before(begin).not_valid_after(end)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key(issuer).public_key())
    return builder.add_extension(identifier, critical=False)


@cache
def authority(name, issuer=None):
    """An authority, or one below another."""
    begin, end = NOW - timedelta(days=1000), NOW + timedelta(days=1000)
    others = "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only"
    builder = _certificate(name, name, issuer or name, begin, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, **dict.fromkeys(others.split(), False)
    )
    builder = builder.add_extension(usage, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key(name).public_key())
    return builder.add_extension(identifier, critical=False).sign(key(issuer or name), hashes.SHA256())


def chain(*names, days=60, life=90, key_name="edge", issuer="intermediate", root="root", links=1):
    """A certificate for these names that ends in `days`, with those of `links` authorities above it, as a text."""
    end = NOW + timedelta(days=days)
    builder = _certificate("", key_name, issuer, end - timedelta(days=life), end)
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=True)
    usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(usage, critical=False)
    return pem(builder.sign(key(issuer), hashes.SHA256()), *[authority(issuer, root)][:links])
