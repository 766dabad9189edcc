# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: of images behind a mirror, and of secrets and configs by their content."""

from __future__ import annotations

import hashlib
import hmac
import re

DEFAULT_REGISTRY = "docker.io"
HASH_LENGTH = 10


def image_parts(image: str) -> tuple[str, str, str]:
    """Registry, repository and tag (empty when there is none) of an image's name, Docker's defaults written out."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = DEFAULT_REGISTRY, name if slash else f"library/{name}"
    repository, _colon, tag = rest.partition(":")
    return first, repository, tag


def image_reference(image: str, mirror: str = "") -> str:
    """The name that the image is pulled by: the mirror, if there is one, stands for the registry."""
    if not mirror:
        return image
    registry, repository, tag = image_parts(image)
    digest = image.partition("@")[2]
    return f"{mirror}/{repository}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def secret_name(base: str, value: str, key: str) -> str:
    """The versioned name of a secret. The keyed hash tells nothing about the value."""
    digest = hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()
    return f"{base}_{digest[:HASH_LENGTH]}"


def config_name(stack: str, file_name: str, content: str) -> str:
    """The versioned name of a config."""
    return f"{stack}_{identifier(file_name)}_{hashlib.sha256(content.encode()).hexdigest()[:HASH_LENGTH]}"


def identifier(name: str) -> str:
    """The name with `_` for everything that is neither a letter nor a digit."""
    return re.sub(r"[^A-Za-z0-9]", "_", name)
