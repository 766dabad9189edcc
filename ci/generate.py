#!/usr/bin/env python3
"""Write the parts of the documentation that are data: between `<!-- generated: NAME -->` and `<!-- end -->`.

`--check` writes nothing and fails when a file has drifted from its source.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.sophia.platform.plugins.module_utils.catalog import merge  # noqa: E402

VARIABLES = ROOT / "inventories/common/group_vars/all"
ENTRY_SPEC = ROOT / "roles/catalog/meta/argument_specs.yml"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(headers: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; `|` in a cell is escaped and line breaks become spaces."""

    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"

    headers = list(headers)
    return "\n".join([line(headers), line("---" for _ in headers), *map(line, rows)]) + "\n"


def plain(description: str | list[str] | None) -> str:
    """An Ansible description without its markup: `O(name)` becomes code."""
    text = " ".join(description) if isinstance(description, list) else description or ""
    return re.sub(r"\b[A-Z]+\(([^)#]+)(?:#[a-z]+)?\)", r"`\1`", text)


def option_rows(options: dict, prefix: str = "") -> list[tuple]:
    """A row an option, with the options below it named `parent.child`."""
    rows = []
    for name, option in options.items():
        kind = option.get("type", "str")
        if option.get("elements"):
            kind += f" of {option['elements']}"
        if option.get("choices"):
            kind += ": " + ", ".join(map(str, option["choices"]))
        default = "required" if option.get("required") else f"`{option['default']}`" if "default" in option else ""
        rows.append((f"`{prefix}{name}`", kind, default, plain(option.get("description"))))
        rows += option_rows(option.get("options") or {}, f"{prefix}{name}.")
    return rows


def entry_options() -> str:
    """What a catalog entry may contain."""
    specs = yaml.safe_load(ENTRY_SPEC.read_text(encoding="utf-8"))["argument_specs"]
    return table(("option", "type", "default", "what it is"), option_rows(specs["entry"]["options"]))


def service_rows() -> str:
    """The services of the platform, as the catalog has them."""
    services = yaml.safe_load((VARIABLES / "services.yml").read_text(encoding="utf-8"))
    entries = merge.merge_services(services["services"], services["service_kinds"], {})
    rows = []
    for entry in entries:
        route = entry.get("route") or {}
        where = f"`{route['host']}.<domain>{route.get('path') or ''}`" if route else ""
        replicas = "every node" if entry.get("global") else entry.get("replicas", 1)
        if entry.get("autoscale"):
            replicas = f"{entry['autoscale']['min']}–{entry['autoscale']['max']}"
        rows.append(
            (f"`{entry['name']}`", entry["stack"], f"`{entry['image']}`", entry.get("port", ""), replicas, where)
        )
    return table(("service", "stack", "image", "port", "replicas", "route"), rows)


def role_options(role: Path) -> str:
    """The variables of a role, from its argument_specs."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    return table(("variable", "type", "default", "what it is"), option_rows(specs["main"].get("options") or {}))


def plugin_rows() -> str:
    """Every plugin of the collection with its first sentence."""
    rows = []
    for kind in ("modules", "lookup", "filter", "inventory", "callback"):
        for path in sorted((ROOT / "plugins" / kind).glob("*.py")):
            for documentation in plugin_documentation(path):
                name = documentation.get("module") or documentation["name"]
                rows.append((f"`sophia.platform.{name}`", kind.rstrip("s"), plain(documentation["short_description"])))
    return table(("plugin", "kind", "what it does"), rows)


def plugin_documentation(path: Path) -> list[dict]:
    """The DOCUMENTATION of a plugin file, or those of the YAML files beside a file of filters."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return [yaml.safe_load(ast.literal_eval(node.value))]
    return [
        yaml.safe_load(side.read_text(encoding="utf-8"))["DOCUMENTATION"] for side in sorted(path.parent.glob("*.yml"))
    ]


def wanted() -> dict[Path, str]:
    """Every file that holds generated parts, as it should be."""
    blocks = {"services": service_rows, "entry_options": entry_options, "plugins": plugin_rows}
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md")), *sorted(ROOT.glob("roles/*/README.md"))]
    texts = {}
    for path in files:

        def fill(match: re.Match, path: Path = path) -> str:
            name = match["name"]
            text = role_options(path.parent) if name == "variables" else blocks[name]()
            return f"{match[1]}{text}{match[3]}"

        texts[path] = BLOCK.sub(fill, path.read_text(encoding="utf-8"))
    return texts


def main() -> int:
    """Write or check; the exit status is 1 when `--check` finds drift."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    check = parser.parse_args().check
    drifted = {path: text for path, text in wanted().items() if text != path.read_text(encoding="utf-8")}
    for path, text in drifted.items():
        if check:
            print(f"{path.relative_to(ROOT)} has drifted from its source: run `make docs`", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return int(check and bool(drifted))


if __name__ == "__main__":
    raise SystemExit(main())
