# SPDX-License-Identifier: GPL-3.0-or-later
"""Understands lines of authorized_keys. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def split(line: str) -> list[str]:
    """Cut a line at blanks that are not inside quotes; options such as from="a b" stay whole."""
    words, word, quoted, escaped = [], "", False, False
    for letter in line.strip():
        if letter in " \t" and not quoted:
            words += [word] if word else []
            word = ""
            continue
        quoted ^= letter == '"' and not escaped
        escaped = letter == "\\" and not escaped
        word += letter
    return [*words, word] if word else words


def blob(line: str) -> str:
    """Give the part of a line that makes two keys the same; empty when the line is no key."""
    words = split(line)
    for index, word in enumerate(words[:2]):
        if word in TYPES and len(words) > index + 1:
            return words[index + 1] if _fits(words[index + 1], word) else ""
    return ""


def _fits(text: str, kind: str) -> bool:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    # The type once more, after its length, and then at least one number.
    return data[:4] == len(kind).to_bytes(4, "big") and data[4:].startswith(kind.encode()) and len(data) > 36


def problem(line: str) -> str:
    """Say why a line is no key that can be used; empty when it is one. Never repeats the line: it may be a secret."""
    if "PRIVATE KEY" in line:
        return "is a PRIVATE key; it must be replaced wherever it is used, and its public half goes here"
    if "\n" in line.strip():
        return "has several lines; give each key an entry of its own"
    if any(ord(letter) < 32 and letter != "\t" for letter in line.strip()):
        return "has control characters"
    words = split(line)
    if not any(word in TYPES for word in words[:2]):
        kinds = f"{', '.join(TYPES[:2])} or ecdsa-sha2-…"
        return f"is no SSH public key: neither its first nor its second word is a type such as {kinds}"
    return "" if blob(line) else "is no SSH public key: what follows the type is cut off or not of that type"


def merge(text: str, keys: Sequence[str], exclusive: bool) -> str:
    """Give the text of authorized_keys with the keys in it. A key that is there otherwise becomes as it is given."""
    wanted = {blob(key): key.strip() for key in keys}
    if exclusive:
        return "".join(f"{key}\n" for key in wanted.values())
    lines = []
    for line in text.splitlines():
        same = blob(line) if not line.lstrip().startswith("#") else ""
        if same not in wanted:
            lines.append(line)
        elif wanted[same] not in lines:
            lines.append(wanted[same])
    lines += [key for key in wanted.values() if key not in lines]
    return "".join(f"{line}\n" for line in lines)
