"""npm packages for images: pinned by content, and installed on this machine once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab import node_packages, recipes
from lab.errors import LabError

LOCKS = sorted(recipes.IMAGES.glob("*/package-lock.json"))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_pins_every_package_by_content_and_says_nothing_about_where_it_came_from(path):
    packages = {name: found for name, found in json.loads(path.read_text())["packages"].items() if name}
    assert packages
    assert [name for name, found in packages.items() if "integrity" not in found or "resolved" in found] == []
    direct = json.loads(path.with_name("package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in direct} == direct


@pytest.fixture
def lock(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    path = folder / "package-lock.json"
    path.write_text("{}")
    return path


def test_packages_are_installed_once_for_one_content(lock, tmp_path, monkeypatch):
    runs = []

    def npm(command, cwd, **_options):
        runs.append(command)
        (Path(cwd) / "node_modules").mkdir()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(node_packages.subprocess, "run", npm)
    first = [node_packages.ensure(lock, tmp_path / "cache") for _again in range(2)]
    lock.write_text("{ }")
    second = node_packages.ensure(lock, tmp_path / "cache")
    assert (len(runs), first[0] == first[1], second == first[0]) == (2, True, False)
    assert "--ignore-scripts" in runs[0]


def test_a_failure_says_what_npm_said_and_leaves_nothing(lock, tmp_path, monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", "npm error code EINTEGRITY")
    monkeypatch.setattr(node_packages.subprocess, "run", lambda *_command, **_options: done)
    with pytest.raises(LabError, match="failed with 1: npm error code EINTEGRITY"):
        node_packages.ensure(lock, tmp_path / "cache")
    assert list((tmp_path / "cache/npm").iterdir()) == []
