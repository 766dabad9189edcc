# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and keys as texts: read, and compared with the authorities that are trusted. Knows no Ansible."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError
from ansible_collections.sophia.platform.plugins.module_utils.certificates.names import covered
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError


class PemError(Exception):
    """A text is not what it should be. The message is the end of a sentence and holds nothing of the text."""


def read_chain(text: str) -> list[x509.Certificate]:
    """The certificates of a chain. Raises PemError."""
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
        _used = [(one.not_valid_after_utc, one.public_key(), covered(one)) for one in chain]  # parsed only when asked
    except (ValueError, UnsupportedAlgorithm):
        chain = []
    if not chain:
        raise PemError("is no certificate that can be read" if text.strip() else "has no certificate beside the key")
    return chain


def read_key(text: str):
    """A private key. Raises PemError."""
    try:
        return load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PemError("has no key that can be read" if text.strip() else "has no key") from None


def is_trusted(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], now: datetime) -> bool:
    """Whether an anchor vouches for a chain, whatever the dates of its own certificate are."""
    leaf = chain[0]
    moment = min(max(now, leaf.not_valid_before_utc), leaf.not_valid_after_utc)
    try:
        name = x509.DNSName(min(covered(leaf), default="").replace("*", "any"))
        verifier = PolicyBuilder().store(Store(anchors)).time(moment).build_server_verifier(name)
    except ValueError:  # it is for no name, or an odd one
        return False
    try:
        verifier.verify(leaf, list(chain[1:]))
    except (VerificationError, x509.UnsupportedGeneralNameType):
        return False
    return True


def read_anchors(path: str) -> list[x509.Certificate]:
    """The authorities of a file, or those that this machine trusts when `path` is empty. Raises CertificatesError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for file in [path] if path else _system_files():
            context.load_verify_locations(cafile=file)
    except OSError as error:  # ssl.SSLError is one
        raise CertificatesError(
            f"{path or 'The list of authorities'} cannot be read: {error.strerror or error}."
        ) from None
    anchors = []
    for encoded in context.get_ca_certs(binary_form=True):
        try:
            anchors.append(x509.load_der_x509_certificate(encoded))
        except ValueError:  # an odd one among many
            continue
    if not anchors:
        raise CertificatesError(f"{path or 'This machine'} has no certificate of an authority.")
    return anchors


def _system_files() -> list[str]:
    places = ssl.get_default_verify_paths()
    if places.cafile:
        return [places.cafile]
    return [str(file) for file in sorted(Path(places.capath or "/etc/ssl/certs").glob("*.crt"))]


def shown(time: datetime) -> str:
    """A time as messages have it."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
