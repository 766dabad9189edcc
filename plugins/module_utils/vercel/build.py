# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a copy of a source with Vercel's CLI and uploads the result, in a private directory that ends with it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel import deployments, source
from ansible_collections.sophia.platform.plugins.module_utils.vercel.cli import Cli, Run, deployed
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

LOG_LINES_COUNT = 8
PULLED_VALUES = ".vercel/.env.production.local"
RUN_META = "sophia-run"
MASKED_CHARACTERS_MIN = 8


def release(
    client: Client, found: Mapping[str, Any], want: Mapping[str, Any], files: Sequence[Path], meta: Mapping[str, str]
) -> tuple[str, str]:
    """Build and upload. Returns the deployment's id and what the CLI says went wrong; the verdict is the API's."""
    with tempfile.TemporaryDirectory(prefix="vercel-", dir=want["temporary_path"]) as top:
        home, copy = Path(top, "home"), Path(top, "source")
        home.mkdir()
        copy.mkdir()
        cli = Cli(
            want["cli_path"], home, client.api_url, client.token, found["accountId"], found["id"], list(client.secrets)
        )
        check_version(cli, want["cli_version"])
        source.copy(Path(want["source_path"]), files, copy)
        timeout_seconds = want["build_timeout_seconds"]
        _succeed(cli.run(["pull", "--yes", "--environment=production"], copy, timeout_seconds), "pull", timeout_seconds)
        cli.secrets = [*cli.secrets, *pulled_secrets(copy / PULLED_VALUES)]
        built = cli.run(["build", "--prod", "--yes"], copy, timeout_seconds, with_token=False)
        _succeed(built, "build", timeout_seconds)
        arguments = ["deploy", "--prebuilt", "--prod", "--yes", "--non-interactive", "--format=json"]
        arguments += [word for name, value in meta.items() for word in ("--meta", f"{name}={value}")]
        return _uploaded(client, found, cli.run(arguments, copy, timeout_seconds), meta, timeout_seconds)


def check_version(cli: Cli, wanted: str) -> None:
    """Refuse another CLI than the pinned one."""
    directory = str(Path(cli.path).parents[2]) if "node_modules" in Path(cli.path).parts else "DIRECTORY"
    install = f"npm install --ignore-scripts --prefix {directory} vercel@{wanted or 'VERSION'}"
    if not Path(cli.path).is_file():
        raise VercelError(f"Vercel's CLI is not at {cli.path}. Install it: {install}.")
    if wanted and cli.version() != wanted:
        raise VercelError(f"Vercel's CLI {cli.path} is {cli.version()}, not {wanted}. Install that: {install}.")


def pulled_secrets(path: Path) -> list[str]:
    """The values that `vercel pull` wrote for the build, so that what a build prints can be masked."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    pairs = re.findall(r'^([A-Za-z_]\w*)=(?:"((?:[^"\\]|\\.)*)"|(.*))$', text, re.MULTILINE)
    values = []
    for key, quoted, bare in pairs:
        value = quoted or bare
        if len(value) >= MASKED_CHARACTERS_MIN and (not key.startswith("VERCEL_") or key.endswith("_TOKEN")):
            values += [value, value.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")]
    return [*values, *(line for value in values for line in value.splitlines() if len(line) >= MASKED_CHARACTERS_MIN)]


def _succeed(run: Run, step: str, timeout_seconds: float) -> None:
    if run.timed_out or run.exit_code:
        raise VercelError(_failure(run, step, timeout_seconds))


def _failure(run: Run, step: str, timeout_seconds: float) -> str:
    how = f"did not end within {timeout_seconds:g} s" if run.timed_out else f"ended with exit code {run.exit_code}"
    said = " | ".join(run.last_lines(LOG_LINES_COUNT)) or "nothing"
    return f"`vercel {step}` {how}. Its last lines: {said}."


def _uploaded(
    client: Client, found: Mapping[str, Any], run: Run, meta: Mapping[str, str], timeout_seconds: float
) -> tuple[str, str]:
    """The id of what `vercel deploy` made. Where it does not tell, the mark of this run finds it, if it was made."""
    told = deployed(run.output)
    failure = _failure(run, "deploy", timeout_seconds) if run.timed_out or run.exit_code else ""
    if told.get("error"):
        failure = f"`vercel deploy` says: {told['error'].rstrip('.')}. {failure}"
    if told.get("id"):
        return told["id"], failure
    if told.get("url"):
        by_address = deployments.read(client, re.sub(r"^https://|/.*", "", told["url"].split("://")[-1]))
        if by_address:
            return by_address["id"], failure
    marked = [
        one for one in deployments.production_list(client, found["id"]) if one["meta"].get(RUN_META) == meta[RUN_META]
    ]
    if not marked:
        raise VercelError(failure or f"`vercel deploy` told no deployment, and Vercel has none: {run.output[-200:]!r}.")
    return marked[0]["id"], failure
