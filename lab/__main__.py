# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab`: starts, shows and removes the lab."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))

from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError  # noqa: E402

from lab import commands, settings  # noqa: E402 - the collection must be importable first
from lab.errors import LabError  # noqa: E402
from lab.progress import say  # noqa: E402


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = root.add_subparsers(dest="verb", required=True)
    add = {
        name: verbs.add_parser(name, help=text, description=text)
        for name, text in {
            "up": "Have the lab run: engine, images, registry, clouds. Hosts that were launched run again.",
            "down": "Remove what the lab made: containers, volumes, network and clouds.",
            "status": "Show the lab's hosts, clouds and addresses.",
            "images": "Build the images whose content is new and publish them in the lab's registry.",
        }.items()
    }
    for name, verb in add.items():
        verb.add_argument(
            "--inventory", type=Path, help="hosts of this hosts.yml, started directly instead of launched"
        )
        if name != "status":
            what = "image folder" if name == "images" else "host"
            verb.add_argument("--only", metavar="NAME", action="append", help=f"this {what} only; may be repeated")
    add["up"].add_argument("--fresh", action="store_true", help="make the hosts anew, without their data")
    add["up"].add_argument("--no-registry", action="store_true", help="hosts only: no registry and no service images")
    add["down"].add_argument("--images", action="store_true", help="remove the lab's images too")
    add["down"].add_argument("--state", action="store_true", help="remove keys and secrets too")
    return root


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 1 when it failed, with the reason on stderr."""
    given = parser().parse_args(arguments)
    began = time.monotonic()
    try:
        lab = settings.read(given.inventory)
        if given.verb == "up":
            commands.up(lab, fresh=given.fresh, with_registry=not given.no_registry, only=given.only)
        elif given.verb == "images":
            commands.build(lab, only=given.only)
        elif given.verb == "down":
            commands.down(lab, only=given.only, with_images=given.images, with_state=given.state)
        else:
            commands.status(lab)
            return 0
    except (LabError, CatalogError) as error:
        print(f"lab {given.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"lab {given.verb}: interrupted; run it again, it continues where it was.", file=sys.stderr)
        return 130
    say(f"lab {given.verb}: done ({time.monotonic() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
