#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook with ansible-runner: progress for people, a Markdown summary for CI, the verdict as exit status.

Runner's own files hold the whole environment and every fact, so they live in a private directory that is always
removed. What stays is build/verify.json and the summary.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import ansible_runner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ci.run_report import Report, annotation  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
VERDICT_PATH = ROOT / "build" / "verify.json"
SUMMARY_PATH = ROOT / "build" / "summary.md"
RUN_SECONDS_MAX = 3600
STOP_SECONDS_MAX = 20
COLOR = re.compile(r"\x1b\[[0-9;]*m")
RC_FAILED, RC_TIMEOUT, RC_CANCELED = 1, 124, 143


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", default=os.environ.get("ENV") or "lab", help="a directory of inventories/")
    parser.add_argument("--check", action="store_true", help="predict what would change; change nothing")
    parser.add_argument("--playbook", default="site.yml", help="relative to the repository (site.yml)")
    parser.add_argument("--limit", help="hosts, as ansible-playbook takes them")
    parser.add_argument("--tags", help="tags, as ansible-playbook takes them")
    given = parser.parse_args(arguments)
    known = sorted({path.parent.name for path in ROOT.glob("inventories/*/hosts.*")})
    if given.environment not in known:
        parser.error(f"there is no environment {given.environment!r}; inventories/ has: {', '.join(known)}")
    if not (ROOT / given.playbook).is_file():
        parser.error(f"there is no playbook {given.playbook} in the repository")
    return given


def command_line(given: argparse.Namespace) -> str:
    """Return the extra arguments of ansible-playbook. They are shown by `ps`; no secret may come this way."""
    parts = ["--diff"] + ["--check"] * given.check
    for name in ("limit", "tags"):
        if getattr(given, name):
            parts += [f"--{name}", getattr(given, name)]
    return shlex.join(parts)


class Stop:
    """A request to stop: a signal, or the time limit. Ansible is asked first: runner kills it, not its workers."""

    def __init__(self) -> None:
        self.requested, self.late, self.pid, self.asked_at_seconds = False, False, 0, 0.0
        self.deadline_seconds = time.monotonic() + RUN_SECONDS_MAX

    def request(self, *_signal) -> None:
        """Take the signal."""
        self.requested = True

    def event(self, event: dict) -> None:
        """Learn ansible-playbook's process id from its first event."""
        if event.get("event") == "playbook_on_start":
            self.pid = event.get("pid") or 0

    def now(self) -> bool:
        """Return whether runner shall kill the run. Runner asks this several times a second."""
        if not self.requested and time.monotonic() > self.deadline_seconds:
            self.requested = self.late = True
        if not self.requested or not self.pid:
            return self.requested
        if not self.asked_at_seconds:
            self.asked_at_seconds = time.monotonic()
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        return time.monotonic() - self.asked_at_seconds > STOP_SECONDS_MAX


@contextmanager
def private_directory():
    """Yield a directory that only we can read, and a Stop; remove the directory whatever happens."""
    stop = Stop()
    before = {number: signal.signal(number, stop.request) for number in (signal.SIGTERM, signal.SIGINT)}
    path = Path(tempfile.mkdtemp(prefix="sophia-run-"))
    try:
        yield path, stop
    finally:
        shutil.rmtree(path)
        for number, handler in before.items():
            signal.signal(number, handler)


def run(given: argparse.Namespace, report: Report) -> tuple[int, str]:
    """Run the playbook. Returns (exit status, what to say when no task told why it failed)."""

    def event(item: dict) -> bool:
        stop.event(item)
        return report.event(item)

    with private_directory() as (work, stop):
        temporary = work / "tmp"
        temporary.mkdir(mode=0o700)
        result = ansible_runner.run(
            private_data_dir=str(work),
            project_dir=str(ROOT),
            playbook=given.playbook,
            inventory=[str(ROOT / "inventories" / name) for name in ("common", given.environment)],
            cmdline=command_line(given),
            quiet=True,
            suppress_env_files=True,
            event_handler=event,
            cancel_callback=stop.now,
            envvars={
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_HOST_KEY_CHECKING": "True",  # runner turns it off when it is not set
                "ANSIBLE_LOCAL_TEMP": str(temporary),  # a killed run cannot clean up after itself
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            },
        )
        if stop.late:
            return RC_TIMEOUT, f"The run did not end within {RUN_SECONDS_MAX} s."
        if stop.requested:
            return RC_CANCELED, "The run was stopped by a signal."
        rc = result.rc if result.rc is not None else RC_FAILED
        # an error of syntax or inventory happens in no task; runner's output is the only one that tells it
        return rc, "" if not rc or report.failures else COLOR.sub("", result.stdout.read())[-4000:].strip()


def verdict(given: argparse.Namespace, rc: int, document: dict | None) -> tuple[int, str]:
    """Return (exit status, sentence): a deploy succeeds when the run did and the platform was verified after it."""
    what = f"{'Check' if given.check else 'Deploy'} of {given.environment}"
    if rc:
        return rc, f"{what}: failed (exit status {rc})"
    if given.check:
        return 0, f"{what}: the run would succeed"
    if document is not None:
        return (0, f"{what}: verified") if document.get("ok") is True else (RC_FAILED, f"{what}: not verified")
    if given.limit or given.tags or given.playbook != "site.yml":
        return 0, f"{what}: done in part, so nothing was verified; `make verify` does"
    return RC_FAILED, f"{what}: the run ended without a verdict in build/verify.json"


def written_verdict() -> dict | None:
    """Return what build/verify.json says; None when there is no report that can be read."""
    try:
        document = json.loads(VERDICT_PATH.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def write_summary(text: str) -> None:
    """Add the summary to GitHub's page of the job, or write it to build/summary.md."""
    given = os.environ.get("GITHUB_STEP_SUMMARY")
    if given:
        with open(given, "a", encoding="utf-8") as stream:
            stream.write(text)
        return
    SUMMARY_PATH.parent.mkdir(exist_ok=True)
    SUMMARY_PATH.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run, report, and return the exit status."""
    given, report = options(arguments), Report()
    if not given.check:
        VERDICT_PATH.unlink(missing_ok=True)  # an earlier run's verdict is not this one's
    rc, trouble = run(given, report)
    status, sentence = verdict(given, rc, None if given.check else written_verdict())
    if trouble:
        print(trouble, file=sys.stderr)
    if os.environ.get("GITHUB_ACTIONS"):
        for line in report.annotations() if status else []:
            print(line)
        if status:
            print(annotation("platform", sentence))
    write_summary(report.markdown(sentence, failed=bool(status), trouble=trouble))
    print(f"{sentence}. {report.counts()}")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
