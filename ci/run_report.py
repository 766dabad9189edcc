# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to know of a run, collected from ansible-runner's events."""

from __future__ import annotations

import difflib
import re
import time
from typing import NamedTuple

FAILURES = ("runner_on_failed", "runner_item_on_failed", "runner_on_unreachable")
TASK_STARTS = ("playbook_on_task_start", "playbook_on_handler_task_start")
SUMMARY_CHARACTERS_MAX = 900_000  # GitHub takes 1 MiB a step
DIFF_LINES_MAX = 400


class Change(NamedTuple):
    """One changed task on one host; diff is empty for a task with no_log."""

    host: str
    task: str
    diff: list[str]


class Failure(NamedTuple):
    """One failed task on one host, with the reason it gave."""

    host: str
    task: str
    reason: str


class Report:
    """Takes the events one by one; prints progress as they come."""

    def __init__(self, say=print) -> None:
        self.say, self.began = say, time.monotonic()
        self.task_count = 0
        self.changes: list[Change] = []
        self.failures: list[Failure] = []
        self.verify_table = ""
        self._started: set[str] = set()
        self._totals: dict[str, dict] = {}

    def event(self, event: dict) -> bool:
        """Take one event. Returns False: runner shall keep no file of it."""
        kind, data = event.get("event"), event.get("event_data") or {}
        result = data.get("res") or {}
        if kind == "playbook_on_play_start":
            self.progress(f"── {data.get('name') or data.get('play')}")
        elif kind in TASK_STARTS and data.get("task_uuid") not in self._started:
            self._started.add(data.get("task_uuid"))
            self.task_count += 1
            self.progress(f"   {named(data)}")
        elif kind == "runner_on_ok":
            if result.get("changed"):
                self.changes.append(Change(data["host"], named(data), diff_lines(result)))
                self.progress(f"   changed {data['host']}")
            if str(data.get("task_action", "")).endswith("platform_verify"):
                self.verify_table = str(result.get("table") or "")
                self.progress("\n".join(["verdict", *self.verify_table.splitlines()]))
        elif kind == "playbook_on_stats":
            self._totals = data
        elif kind in FAILURES and not data.get("ignore_errors"):
            failure = Failure(data["host"], named(data), reason(result))
            if failure not in self.failures:
                self.failures.append(failure)
                self.progress(f"   FAILED {failure.host}: {failure.reason}")
        return False

    def progress(self, text: str) -> None:
        """Print one line, with the seconds since the start."""
        self.say(f"{time.monotonic() - self.began:6.1f} s {text}", flush=True)

    def counts(self) -> str:
        """Return how much was done, in one sentence."""
        failed_count = self.total("failures") + self.total("dark") if self._totals else len(self.failures)
        seconds = time.monotonic() - self.began
        return f"{self.task_count} tasks, {self.changed_count()} changes, {failed_count} failures, {seconds:.0f} s."

    def changed_count(self) -> int:
        """Return how many tasks changed something, counting those that hide it (no_log) too."""
        return max(self.total("changed"), len(self.changes))

    def total(self, key: str) -> int:
        """Return a number of Ansible's recap, over all hosts; 0 when the run ended before it."""
        return sum((self._totals.get(key) or {}).values())

    def annotations(self) -> list[str]:
        """Return the failures as commands that GitHub shows beside the run."""
        return [annotation(failure.task, f"{failure.host}: {failure.reason}") for failure in self.failures]

    def markdown(self, title: str, failed: bool, trouble: str = "") -> str:
        """Return the summary: verdict, failures, the table of checks, changes with their diffs."""
        out = [f"### {'❌' if failed else '✅'} {title}", "", self.counts(), ""]
        if trouble:
            out += fenced(trouble.splitlines())
        if self.failures:
            out += ["#### Failures" if failed else "#### Failures that the run recovered from", ""]
            for failure in self.failures:
                out += [
                    f"**{escaped(failure.host)}**: {escaped(failure.task)}",
                    "",
                    *fenced(failure.reason.splitlines()),
                ]
        if self.verify_table:
            out += ["#### Checks from outside", "", *fenced(self.verify_table.splitlines())]
        if self.changed_count():
            hidden_count = self.changed_count() - len(self.changes)
            out += [
                "#### Changes",
                "",
                *[f"{hidden_count} of tasks that hide their output (no_log).", ""] * bool(hidden_count),
            ]
        for change in self.changes:
            title = f"{escaped(change.host)}: {escaped(change.task)}"
            diff = fenced(change.diff, "diff") if change.diff else ["(no diff)", ""]
            out += [f"<details><summary>{title}</summary>", "", *diff, "</details>", ""]
        text = "\n".join(out)
        cut = "\n\n(cut: too long)" if len(text) > SUMMARY_CHARACTERS_MAX else ""
        return text[:SUMMARY_CHARACTERS_MAX] + cut + "\n"


def named(data: dict) -> str:
    """Return a task's name with its role's."""
    role = data.get("role")
    task = str(data.get("task") or data.get("name") or "a task")
    return f"{role}: {task}" if role and not task.startswith(f"{role} :") else task


def reason(result: dict) -> str:
    """Return why a task failed, as it said itself; a task with no_log says nothing."""
    if hidden(result):
        return "(the task hides its output: no_log)"
    lines = [str(result.get("msg") or "failed without a message").strip()]
    lines += [str(result[key]).strip()[-1500:] for key in ("stderr", "module_stderr") if result.get(key)]
    return "\n".join(line for line in lines if line)


def hidden(result: dict) -> bool:
    """Return whether a task ran with no_log."""
    return bool(result.get("censored") or result.get("_ansible_no_log"))


def diff_lines(result: dict) -> list[str]:
    """Return the diff of a result and of its items as lines; none of it when the task has no_log."""
    if hidden(result):
        return []
    lines = []
    for part in [result, *(item for item in result.get("results") or [] if isinstance(item, dict))]:
        given = [] if hidden(part) else part.get("diff") or []
        for diff in given if isinstance(given, list) else [given]:
            lines += one_diff(diff)
    more = len(lines) - DIFF_LINES_MAX
    return lines[:DIFF_LINES_MAX] + ([f"({more} more lines)"] if more > 0 else [])


def one_diff(diff: dict) -> list[str]:
    """Return one of Ansible's diffs as lines: a ready one, or that of `before` and `after`."""
    if diff.get("prepared"):
        return diff["prepared"].rstrip().splitlines()
    before, after = (as_lines(diff.get(key)) for key in ("before", "after"))
    headers = [
        re.sub(r"\S*/ansible-tmp\S*|\S*/ansible-local-\S*", "(generated)", str(header or key))
        for header, key in ((diff.get("before_header"), "before"), (diff.get("after_header"), "after"))
    ]
    return list(difflib.unified_diff(before, after, *headers, lineterm=""))


def as_lines(value: object) -> list[str]:
    """Return a side of a diff as lines; a mapping has one key a line."""
    if isinstance(value, dict):
        return [f"{key}: {item}" for key, item in sorted(value.items())]
    return str(value).splitlines() if value not in (None, "") else []


def fenced(lines: list[str], language: str = "") -> list[str]:
    """Return the lines as a code block whose fence no line of them can close."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence, ""]


def escaped(text: str) -> str:
    """Return text that Markdown and HTML show as it is."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text)


def annotation(title: str, message: str) -> str:
    """Return an `::error` command of GitHub."""
    message = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    title = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return f"::error title={title}::{message}"
