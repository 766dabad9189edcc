"""Changes of random definitions: what results is what was wanted, and nothing else is lost."""

import io
import random

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.esc.definition import edited
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.want import wanted
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

NAMES = "abcdefgh"
SCALARS = [1, True, None, "plain", "two words", "a: b", "", "${x.y}", 2.5, DoubleQuotedScalarString("q # x")]
SCALARS += [LiteralScalarString("l1\nl2\n"), LiteralScalarString("keep\n\n")]


def tree(chance, depth):
    """A random value, with comments and braces here and there."""
    kind = chance.random()
    if depth == 0 or kind < 0.35:
        return chance.choice(SCALARS)
    if kind < 0.5:
        return CommentedMap({"fn::secret": CommentedMap({"ciphertext": "AAAA"})})
    if kind < 0.65:
        node = CommentedSeq([tree(chance, depth - 1) for _ in range(chance.randint(0, 3))])
    else:
        node = CommentedMap({name: tree(chance, depth - 1) for name in chance.sample(NAMES, chance.randint(0, 4))})
        for name in node:
            if chance.random() < 0.3:
                node.yaml_add_eol_comment(f"behind {name}", name)
            if chance.random() < 0.3:
                node.yaml_set_comment_before_after_key(name, before=f"before {name}")
    if chance.random() < 0.25:
        node.fa.set_flow_style()
    return node


def definition(chance):
    values = {name: tree(chance, 3) for name in chance.sample(NAMES, chance.randint(0, 5))}
    yaml, out = YAML(), io.StringIO()
    yaml.width = 1000
    yaml.indent(mapping=chance.choice([2, 4]), sequence=chance.choice([2, 4]), offset=chance.choice([0, 2]))
    yaml.dump({"values": CommentedMap(values)}, out)
    try:
        read(out.getvalue())
    except YAMLError:  # with some comments ruamel writes what it does not read
        return definition(chance)
    return out.getvalue()


def some(chance):
    """Random paths, that may or may not be there."""
    return {".".join(chance.choice(NAMES) for _ in range(chance.randint(1, 3))) for _ in range(chance.randint(0, 2))}


def read(text):
    return YAML(typ="safe").load(text)["values"] or {}


def without(values, paths):
    """The values without what is at or below these paths, and without mappings that are empty then."""

    def kept(value, path):
        if isinstance(value, dict) and "fn::secret" not in value:
            entries = {key: kept(child, f"{path}{key}.") for key, child in value.items() if f"{path}{key}" not in paths}
            return {key: child for key, child in entries.items() if child not in ({}, None)}
        return value

    return kept(values, "")


@pytest.mark.parametrize("seed", range(8))
def test_random_changes(seed):
    chance, done = random.Random(seed), 0
    for number in range(12):
        text, secrets, remove = definition(chance), some(chance), some(chance)
        try:
            before = read(text)
            want = wanted({"secrets": {path: f"s{number}" for path in secrets}, "remove": sorted(remove)})
            result = edited(text, want, "n", lambda _path, _secret: False)
        except EscError as error:
            assert "touching more of it" not in str(error), text
            continue
        done += 1
        after = read(result.text)
        assert without(after, secrets | remove) == without(before, secrets | remove), text
        for path in secrets:
            value = after
            for step in path.split("."):
                value = value[step]
            assert value == {"fn::secret": f"s{number}"}
        assert not edited(result.text, want, "n", lambda _path, _secret: False).changed
    assert done
