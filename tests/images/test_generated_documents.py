"""The documents that the catalog computes, as the programs that read them see them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("*/stacks/*.yml")), ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_the_engines_cli_takes_the_stack_file_without_a_word(path):
    done = subprocess.run(["docker", "stack", "config", "-c", path], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "$" not in path.read_text().replace("$$", "")


@pytest.mark.parametrize(
    ("image", "tool", "command", "document"),
    [
        ("prometheus", "promtool", ("check", "config"), "prometheus.yml"),
        ("prometheus", "promtool", ("check", "rules"), "alerts.yml"),
        ("alertmanager", "amtool", ("check-config",), "alertmanager.yml"),
    ],
)
def test_monitoring_takes_its_documents(start, image, tool, command, document):
    folder = GOLDEN / "production/configs/monitoring"
    files = {f"/etc/checked/{path.name}": path.read_text() for path in folder.glob("*.yml")}
    path = f"/etc/checked/{document}"
    with start(image, *command, path, files=files, options=("--entrypoint", f"/bin/{tool}")) as container:
        assert container.ended() == 0, container.log
