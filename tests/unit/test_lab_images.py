"""The lab's images: what the catalog wants, what an image folder says, and when it has to be built."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from lab import images, recipes, settings, wheels
from lab.bases import RELEASES
from lab.engine import Engine
from lab.errors import LabError


def folder(path: Path, dockerfile: str, **files: str) -> Path:
    path.mkdir(parents=True)
    (path / "Dockerfile").write_text(dockerfile)
    for name, content in files.items():
        (path / name.replace("__", ".")).write_text(content)
    return path


def test_the_catalog_names_each_image_once_and_disabled_services_none():
    variables = {
        "services": [
            {"name": "redis", "image": "docker.io/library/redis:7.2.11"},
            {"name": "a", "kind": "mcp"},
            {"name": "b", "kind": "mcp"},
            {"name": "grafana", "image": "docker.io/grafana/grafana:12.2.0"},
        ],
        "service_kinds": {"mcp": {"image": "ghcr.io/sophia-ai/sophia-mcp:1.0.0"}},
        "service_overrides": {"grafana": {"enabled": False}},
    }
    found = images.wanted(variables)
    assert [(item.repository, item.tag, item.folder, item.services) for item in found] == [
        ("library/redis", "7.2.11", "redis", ("redis",)),
        ("sophia-ai/sophia-mcp", "1.0.0", "sophia-mcp", ("a", "b")),
    ]


def test_an_image_without_a_tag_is_refused():
    with pytest.raises(LabError, match=r"without a tag.*ghcr.io/x/y \(y\)"):
        images.wanted({"services": [{"name": "y", "image": "ghcr.io/x/y"}]})


def test_images_without_a_folder_are_found(tmp_path):
    folder(tmp_path / "redis", "FROM x")
    wanted = images.wanted({"services": [{"name": n, "image": f"docker.io/library/{n}:1"} for n in ("redis", "kafka")]})
    assert [item.folder for item in images.without_folder(wanted, tmp_path)] == ["kafka"]


def test_the_lab_has_every_image_of_its_catalog():
    assert images.without_folder(images.wanted(settings.read(environment={}).variables)) == []


def test_the_first_comments_of_a_dockerfile_choose_base_and_shared_folders(tmp_path):
    (tmp_path / "_shared/service").mkdir(parents=True)
    (tmp_path / "_shared/service/x.py").write_text("x = 1\n")
    folder(tmp_path / "one", "# base: bookworm\n# shared: _shared/service\n# Says more.\nARG BASE\n# base: trixie\n")
    recipe = recipes.read("one", images=tmp_path)
    assert recipe.base == "bookworm"
    assert [name for name, _path in recipe.files()] == ["Dockerfile", "service/x.py"]
    with tarfile.open(fileobj=io.BytesIO(recipe.context(None))) as archive:
        assert archive.getnames() == ["Dockerfile", "service/x.py"]


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [("# base: sid\nFROM x", "`# base: sid` is none of"), ("# shared: _nowhere\nFROM x", "which is no folder")],
)
def test_a_wrong_first_comment_is_refused(tmp_path, dockerfile, said):
    folder(tmp_path / "one", dockerfile)
    with pytest.raises(LabError, match=said):
        recipes.read("one", images=tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(LabError, match="cannot build the image nothing"):
        recipes.read("nothing", images=tmp_path)


def test_the_digest_follows_content_mode_base_and_architecture_and_nothing_else(tmp_path):
    path = folder(tmp_path / "one", "FROM x", run__sh="#!/bin/sh\n")
    recipe = recipes.read("one", images=tmp_path)
    first = recipe.digest("sha256:1", "x86_64")
    (path / "__pycache__").mkdir()
    (path / "__pycache__/run.pyc").write_text("left out")
    (path / "run.sh").touch()
    assert recipe.digest("sha256:1", "x86_64") == first
    others = {recipe.digest("sha256:2", "x86_64"), recipe.digest("sha256:1", "aarch64")}
    (path / "run.sh").chmod(0o755)
    others.add(recipe.digest("sha256:1", "x86_64"))
    (path / "run.sh").write_text("#!/bin/bash\n")
    others.add(recipe.digest("sha256:1", "x86_64"))
    assert len(others | {first}) == 5


def test_a_recipe_on_another_release_is_another_image_and_both_stay(monkeypatch, tmp_path):
    """Old content of the same image goes; the sibling on the other release does not."""
    calls: list[tuple[str, ...]] = []
    present = {f"sophia-lab/{name}:{digit * 12}": "" for name in ("host", "host-bookworm") for digit in "ab"}

    def run(*arguments: str, **_: object) -> subprocess.CompletedProcess:
        calls.append(arguments)
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(images.docker, "run", run)
    monkeypatch.setattr(images.docker, "images", lambda: dict(present))
    monkeypatch.setattr(images.bases, "ensure", lambda release, *_: (f"base:{release}", f"id of {release}"))
    builder = images.Builder(settings.read(environment={"HOME": str(tmp_path)}), Engine("26.1.5", 1, "x86_64"))
    tags = [builder.build("host"), builder.build("host", "trixie"), builder.build("host", "bookworm")]
    assert tags[0] == tags[1] and tags[2].startswith("sophia-lab/host-bookworm:")
    bases_used = [word for call in calls if call[0] == "build" for word in call if word.startswith("BASE=")]
    assert bases_used[-1] == "BASE=base:bookworm"
    removed = [set(call[1:]) for call in calls if call[0] == "rmi"]
    assert removed[0] == {tag for tag in present if tag.startswith("sophia-lab/host:")}
    assert removed[-1] == {tag for tag in present if tag.startswith("sophia-lab/host-bookworm:")}


def test_a_context_is_the_same_bytes_for_the_same_files(tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name / "one", "FROM x", run__sh="#!/bin/sh\n")
    assert len({recipes.read("one", images=tmp_path / name).context(None) for name in ("a", "b")}) == 1


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("redis==6.4.0", True),
        ("psycopg[binary]==3.3.2", True),
        ("x==1 ; python_version < '3.13'", True),
        ("# why", True),
        ("redis", False),
        ("redis>=6", False),
    ],
)
def test_wheels_are_pinned(line, pinned):
    assert (wheels.unpinned_lines(f"{line}\n") == []) is pinned


def test_unpinned_wheels_are_refused_before_anything_is_downloaded(tmp_path):
    path = folder(tmp_path / "one", "FROM x", wheels__txt="redis\n") / "wheels.txt"
    with pytest.raises(LabError, match="must pin each package with `==`: redis"):
        wheels.ensure(path, RELEASES["trixie"], "x86_64", tmp_path / "cache")


def test_wheels_fit_the_image_and_not_this_machine():
    arguments = wheels.platform_arguments(RELEASES["bookworm"], "aarch64")
    assert "--python-version=3.11" in arguments and "--platform=manylinux_2_36_aarch64" in arguments
    assert "--platform=manylinux_2_17_aarch64" in arguments and "--platform=manylinux_2_41_aarch64" not in arguments
