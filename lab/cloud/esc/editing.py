# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a definition's text that keep its comments: missing secrets added, the layout made anew."""

from __future__ import annotations

import io

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from lab.cloud.esc.paths import Path, written


def with_missing_secrets(text: str, path: Path, secrets: dict[str, str]) -> str:
    """The text with each of these names below `values` and the path that is missing. Raises ValueError."""
    yaml = _round_trip()
    root = yaml.load(text)
    node = root = CommentedMap() if root is None else root
    for element in ("values", *path):
        if not isinstance(node, CommentedMap):
            raise ValueError(f"{written(path)} does not lead to an object in the definition")
        if node.get(element) is None:
            node[element] = CommentedMap()
        node = node[element]
    if not isinstance(node, CommentedMap) or any(str(key).startswith("fn::") for key in node):
        raise ValueError(f"{written(path)} is no object in the definition")
    missing = [name for name in secrets if name not in node]
    for name in missing:
        node[name] = CommentedMap({"fn::secret": DoubleQuotedScalarString(secrets[name])})
    return _dumped(yaml, root) if missing else text


def reformatted(text: str) -> str:
    """The same definition as another encoder would write it."""
    yaml = _round_trip()
    yaml.preserve_quotes = False
    yaml.indent(mapping=4, sequence=6, offset=4)
    root = yaml.load(text)
    return text if root is None else _dumped(yaml, root)


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**20
    return yaml


def _dumped(yaml: YAML, root: CommentedMap) -> str:
    stream = io.StringIO()
    yaml.dump(root, stream)
    return stream.getvalue()
