# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab.cloud`: serves the simulated clouds on loopback until it is told to end (SIGTERM, SIGINT)."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from lab.cloud.clouds import Clouds
from lab.cloud.server import Server
from lab.cloud.store import StoreError
from lab.errors import LabError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m lab.cloud", description=__doc__)
    root.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0, the default, takes a free one")
    root.add_argument("--state", type=Path, metavar="FILE", help="remember everything in this file, and go on from it")
    root.add_argument("--seed", metavar="FILE|-", help="JSON, {service: {action: given}}, told to the clouds at start")
    root.add_argument("--hosts", action="store_true", help="Lambda Cloud's instances are the lab's host containers")
    return root


def read_seed(source: str | None) -> dict:
    """The seed's document. Raises ValueError, in a sentence."""
    if source is None:
        return {}
    try:
        seed = json.loads(sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The seed {source} cannot be read: {error}.") from error
    if not isinstance(seed, dict) or not all(isinstance(actions, dict) for actions in seed.values()):
        raise ValueError(f"The seed {source} is not of the form {{service: {{action: given}}}}.")
    return seed


def lab_machines() -> object:
    """The backend that starts host containers; imported late, for it needs more than the standard library."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))  # the lab imports our collection
    from lab.machines import LabMachines

    return LabMachines()


def main(arguments: list[str] | None = None) -> int:
    """Serve; 1 with the reason on stderr when that cannot be."""
    given = parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        clouds = Clouds(given.state, lab_machines() if given.hosts else None)
        server = Server(clouds, given.port)
    except LabError as error:
        print(f"lab.cloud: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"lab.cloud: cannot listen on 127.0.0.1:{given.port}: {error.strerror}.", file=sys.stderr)
        return 1
    with server:
        try:
            clouds.start(read_seed(given.seed))  # after the port is ours: real machines may be started here
        except (StoreError, ValueError) as error:
            print(f"lab.cloud: {error}", file=sys.stderr)
            return 1
        serve(server, ended)
    clouds.close()
    return 0


def serve(server: Server, ended: threading.Event) -> None:
    """Tell where, and serve until the end is asked for."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(json.dumps(server.urls), flush=True)
    ended.wait()
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
