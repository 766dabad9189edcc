# SPDX-License-Identifier: GPL-3.0-or-later
"""The fingerprint of an OpenPGP key, so that an archive's key is known before apt trusts it. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib

_PUBLIC_KEY, _VERSION = 6, 4


class KeyTextError(ValueError):
    """The text is no public key of a kind that this reads."""


def fingerprint(data: bytes) -> str:
    """Give the fingerprint of the first key in an armoured or binary file, as 40 upper-case digits."""
    body = _packet(_unarmoured(data))
    if not body or body[0] != _VERSION:
        raise KeyTextError("the key is not an OpenPGP key of version 4")
    # The format's own rule (RFC 4880, 12.2): SHA-1 over a marker, the length and the packet.
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324


def _unarmoured(data: bytes) -> bytes:
    if b"-----BEGIN PGP PUBLIC KEY BLOCK-----" not in data:
        return data
    lines = data.decode("ascii", errors="replace").splitlines()
    inside = lines[lines.index("-----BEGIN PGP PUBLIC KEY BLOCK-----") + 1 :]
    start = inside.index("") + 1 if "" in inside else 0
    text = []
    for line in inside[start:]:
        if line.startswith(("=", "-----END")):
            break
        text.append(line.strip())
    try:
        return base64.b64decode("".join(text), validate=True)
    except binascii.Error as error:
        raise KeyTextError(f"the key's text is damaged ({error})") from error


def _packet(data: bytes) -> bytes:
    """The content of the first packet, which must be a public key."""
    if len(data) < 4 or not data[0] & 0x80:
        raise KeyTextError("the file is no OpenPGP key")
    if data[0] & 0x40:
        tag, length, start = data[0] & 0x3F, data[1], 2
        if length >= 192:
            length, start = ((data[1] - 192) << 8) + data[2] + 192, 3
        if data[1] == 255:
            length, start = int.from_bytes(data[2:6], "big"), 6
    else:
        size = {0: 1, 1: 2, 2: 4}.get(data[0] & 0x03, 0)
        tag, length, start = (data[0] & 0x3C) >> 2, int.from_bytes(data[1 : 1 + size], "big"), 1 + size
    if tag != _PUBLIC_KEY or len(data) < start + length:
        raise KeyTextError("the file does not begin with a whole OpenPGP public key")
    return data[start : start + length]
