# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in a definition's text: sealed as they are stored, in clear as they are decrypted. The rest stays as sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import zlib
from collections.abc import Callable, Iterator

import yaml

from lab.cloud.esc.definition import ciphertext

MAGIC = b"escx\0\0\0\1"
NONCE_BYTES = 12
TAG_BYTES = 16


class Sealer:
    """A toy cipher: what it makes looks encrypted and cannot be read at a glance. It protects nothing."""

    def __init__(self, key: bytes = b"") -> None:
        self.key = key or os.urandom(32)

    def seal(self, text: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        body = nonce + self._mixed(nonce, text.encode())
        envelope = MAGIC + body + self._tag(body)
        return base64.b64encode(envelope + zlib.crc32(envelope).to_bytes(4, "big")).decode()

    def open(self, sealed: str) -> str:
        """Raises ValueError for what was not sealed here."""
        envelope = base64.b64decode(sealed, validate=True)
        body, tag = envelope[len(MAGIC) : -TAG_BYTES - 4], envelope[-TAG_BYTES - 4 : -4]
        if not envelope.startswith(MAGIC) or not hmac.compare_digest(tag, self._tag(body)):
            raise ValueError("invalid ciphertext")
        return self._mixed(body[:NONCE_BYTES], body[NONCE_BYTES:]).decode()

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self.key, body, "sha256")[:TAG_BYTES]

    def _mixed(self, nonce: bytes, data: bytes) -> bytes:
        stream = b""
        while len(stream) < len(data):
            stream += hashlib.sha256(self.key + nonce + len(stream).to_bytes(8, "big")).digest()
        return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def sealed_text(text: str, sealer: Sealer) -> str:
    """The text with each secret sealed. What is sealed already stays to the letter."""

    def seal(argument: yaml.Node) -> tuple[yaml.Node, str] | None:
        if not isinstance(argument, yaml.ScalarNode):
            return None
        return argument, f"{{ciphertext: {sealer.seal(argument.value)}}}"

    return _rewritten(text, seal)


def clear_text(text: str, sealer: Sealer) -> str:
    """The text with each secret in clear."""

    def unseal(argument: yaml.Node) -> tuple[yaml.Node, str] | None:
        sealed = ciphertext(argument)
        if sealed is None:
            return None
        # a block mapping's own end lies at the next token, beyond comments
        upto = argument if argument.flow_style else sealed
        return upto, quoted(sealer.open(sealed.value))

    return _rewritten(text, unseal)


def quoted(text: str) -> str:
    """A text as YAML's double-quoted scalar, on one line."""
    return yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True).rstrip("\n")


def _rewritten(text: str, change: Callable[[yaml.Node], tuple[yaml.Node, str] | None]) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    changes = []
    for argument in _arguments(root):
        changed = change(argument)
        if changed:
            changes.append((argument.start_mark.index, changed[0].end_mark.index, changed[1]))
    for start, end, replacement in sorted(changes, reverse=True):
        newline = "\n" if text[start:end].endswith("\n") else ""  # of a block scalar
        text = text[:start] + replacement + newline + text[end:]
    return text


def _arguments(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Every argument of `fn::secret`."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _arguments(item)
    if isinstance(node, yaml.MappingNode):
        alone = len(node.value) == 1
        for key, value in node.value:
            if alone and key.value == "fn::secret":
                yield value
            else:
                yield from _arguments(value)
