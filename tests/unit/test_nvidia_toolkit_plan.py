"""What a host needs so that Swarm can hand its GPUs to containers."""

from dataclasses import replace

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_cdi as cdi
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository as repositories
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_plan import (
    Package,
    Seen,
    Wanted,
    describe,
    make_plan,
)
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import PACKAGES

LAMBDA = "1.18.1-0lambda0.22.04.1"
UUID = "GPU-dc636aa0-5edb-4aef-5695-7aaec0212dd1"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
OURS = repositories.Repository("https://nvidia.github.io/libnvidia-container", "arm64")
CGROUPFS = {"exec-opts": ["native.cgroupdriver=cgroupfs"]}
WANTED = Wanted(repository_key_checksum=repositories.checksum_of(KEY))
UNIT = {"exists": True, "active": True, "enabled": True}
NO_UNIT = {"exists": False, "active": False, "enabled": False}


def offers(installed, candidate, nvidia=("1.20.0-1", "1.19.1-1")):
    origins = {LAMBDA: ["archive.lambdalabs.com"], **{version: ["nvidia.github.io"] for version in nvidia}}
    return {name: repositories.Offer(installed, candidate, dict(origins)) for name in PACKAGES}


def seen(version="", candidate="", held=True, **others):
    """See a host with all four packages at a version, or none, and everything else right."""
    base = Seen(
        architecture="arm64",
        packages={name: Package(version, held=held) for name in PACKAGES} if version else {},
        offers=offers(version, candidate or version),
        config='swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"\n',
        driver="570.148.08",
        uuids=(UUID,),
        devices=["0", UUID, "all"],
        units={cdi.SERVICE: UNIT, cdi.WATCH: UNIT} if version else {cdi.SERVICE: NO_UNIT, cdi.WATCH: NO_UNIT},
    )
    return replace(base, **others)


def ours(version="1.20.0-1", **others):
    """See a host that this role converged before."""
    files = {repositories.SOURCES_PATH: OURS.sources()}
    return seen(version, **{"apt_files": files, "pin": OURS.pin, "key": KEY, **others})


FRESH = seen(offers={})
LAMBDA_HOST = seen(LAMBDA, held=False, offers=offers(LAMBDA, LAMBDA, ()), config="", devices=[])


@pytest.mark.parametrize(
    "case", [ours(), seen("1.19.1-1"), seen("1.20.0-1", "1.21.0-1")], ids=["ours", "kept", "newer on offer"]
)
def test_converged(case):
    plan = make_plan(WANTED, case)
    assert (plan.changed, plan.problems, plan.rehearse) == (False, [], False)


@pytest.mark.parametrize(
    ("wanted", "case", "source", "version", "install"),
    [
        (WANTED, FRESH, "nvidia", "1.20.0", True),
        (WANTED, LAMBDA_HOST, "nvidia", "1.20.0", True),
        (WANTED, seen(LAMBDA), "nvidia", "1.20.0-1", True),
        (WANTED, seen("1.19.0-0lambda0.24.04.1"), "preinstalled", "1.19.0-0lambda0.24.04.1", False),
        (WANTED, seen("1.20.0-1", LAMBDA), "nvidia", "1.20.0-1", False),
        (WANTED, ours(), "nvidia", "1.20.0-1", False),
        (replace(WANTED, source="nvidia"), seen("1.20.0-1"), "nvidia", "1.20.0-1", False),
        (replace(WANTED, source="preinstalled"), ours(), "preinstalled", "1.20.0-1", False),
        (replace(WANTED, version="1.19", min_version="1.19.0"), FRESH, "nvidia", "1.19", True),
        (
            replace(WANTED, mode="legacy", min_version="1.18.1", docker_settings=CGROUPFS),
            seen(LAMBDA, config='swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"\n'),
            *("preinstalled", LAMBDA, False),
        ),
    ],
)
def test_source_and_version(wanted, case, source, version, install):
    plan = make_plan(wanted, case)
    assert (plan.source, plan.version, plan.install, plan.problems) == (source, version, install, [])


def test_lambda_host_before_and_after():
    plan = make_plan(WANTED, LAMBDA_HOST)
    assert sorted(plan.files) == [repositories.PIN_PATH, repositories.SOURCES_PATH]
    assert plan.fetch_key and plan.rehearse and plan.hold == list(PACKAGES)
    assert [edit.key for edit in plan.edits] == ["swarm-resource"] and plan.generate
    text = describe(plan, LAMBDA_HOST)
    assert f"nvidia-container-toolkit {LAMBDA}\n" in text["before"]
    assert "nvidia-container-toolkit 1.20.0 (held)\n" in text["after"]


def test_files_of_ours_go_with_our_source():
    plan = make_plan(replace(WANTED, source="preinstalled"), ours())
    assert plan.files == {
        path: "" for path in (repositories.SOURCES_PATH, repositories.PIN_PATH, repositories.KEY_PATH)
    }


def test_old_lists_are_removed_with_nvidia_only():
    files = {"/etc/apt/sources.list.d/nvidia-docker.list": "deb x /\n"}
    assert make_plan(WANTED, replace(ours(), apt_files={**ours().apt_files, **files})).files == {next(iter(files)): ""}
    assert make_plan(WANTED, seen("1.19.1-1", apt_files=files)).files == {}


def test_a_commented_line_is_put_back():
    plan = make_plan(WANTED, ours(config='#swarm-resource = "DOCKER_RESOURCE_GPU"\n'))
    assert plan.changed and [edit.key for edit in plan.edits] == ["swarm-resource"] and not plan.install


def test_hold():
    assert make_plan(WANTED, seen("1.19.1-1", held=False)).hold == list(PACKAGES)
    assert make_plan(replace(WANTED, hold=False), seen("1.19.1-1", held=False)).changed is False


def test_an_interrupted_installation_is_finished():
    half = ours()
    half.packages = {**half.packages, PACKAGES[1]: Package("1.20.0-1", "half-configured")}
    plan = make_plan(WANTED, half)
    assert (plan.repair, plan.install, plan.version, plan.problems) == (True, True, "1.20.0-1", [])
    mixed = ours()
    mixed.packages = {**mixed.packages, PACKAGES[0]: Package(LAMBDA, "unpacked")}
    assert make_plan(WANTED, mixed).install
    kept = make_plan(replace(WANTED, source="preinstalled"), replace(half, apt_files={}, pin="", key=""))
    assert (kept.repair, kept.install, kept.problems) == (True, False, [])


NVIDIA, PREINSTALLED = replace(WANTED, source="nvidia"), replace(WANTED, source="preinstalled")


@pytest.mark.parametrize(
    ("wanted", "case", "words"),
    [
        (WANTED, seen("1.20.0-1", architecture="riscv64"), ["riscv64", "group gpu"]),
        (PREINSTALLED, seen(), ["not installed", "source: nvidia"]),
        (PREINSTALLED, seen(LAMBDA), [LAMBDA, "ignores swarm-resource", "source: nvidia", "mode: legacy", "cgroupfs"]),
        (PREINSTALLED, seen("1.17.8-1"), ["older than", "1.19.0", "source: nvidia"]),
        (replace(NVIDIA, version="1.18.2", min_version="1.18.0"), FRESH, ["1.18.2", "ignores", "1.19.0 or later"]),
        (replace(WANTED, version="1.18.2"), ours(), ["below", "min_version"]),
        (replace(WANTED, mode="legacy"), ours(), ["daemon-reload", "exec-opts", "docker_settings"]),
        (replace(WANTED, min_version="1.17.0"), seen("1.17.8-1"), ["1.17.8-1 knows no CDI", "exec-opts"]),
        (NVIDIA, ours("1.21.0-1"), ["newer", "1.21.0", "nothing is downgraded"]),
        (NVIDIA, ours("1.19.1-1"), ["1.19.1-1", "it serves", "allow_upgrade"]),
        (WANTED, seen(LAMBDA, running_containers=2), ["2 containers", "Drain", "allow_upgrade"]),
        (
            WANTED,
            replace(ours(), packages={**ours().packages, "nvidia-docker2": Package("2.14")}),
            ["nvidia-docker2", "allow"],
        ),
        (replace(WANTED, repository_key_checksum=""), ours(), ["checksum is empty", "unchecked_reason"]),
        (replace(WANTED, repository_key_checksum="md5:1"), ours(key=""), ["64 hexadecimal"]),
        (replace(WANTED, swarm_resource_kind="A,B"), ours(), ["'A,B'", "name of a variable"]),
        (replace(WANTED, swarm_resource_kind="gpu"), seen("1.19.1-1"), ["default of config.toml", "1.19.1-1"]),
        (WANTED, ours(offers={}, apt_error="E: Malformed entry"), ["E: Malformed entry", "Repair"]),
        (WANTED, ours(config="[broken\n"), ["config.toml", "line 1", "move it away"]),
        (WANTED, ours(candidate=LAMBDA), [LAMBDA, "1.20.0-1", "1002", "preferences.d"]),
        (
            WANTED,
            replace(ours(), apt_files={**ours().apt_files, "/etc/apt/sources.list": f"deb {OURS.address} /\n"}),
            ["/etc/apt/sources.list", "Signed-By", "Remove"],
        ),
    ],
)
def test_refused(wanted, case, words):
    plan = make_plan(wanted, case)
    assert len(plan.problems) == 1, plan.problems
    assert [word for word in words if word not in plan.problems[0]] == []


def test_all_problems_at_once():
    wanted = replace(WANTED, mode="legacy", repository_key_checksum="")
    plan = make_plan(wanted, seen(LAMBDA, running_containers=1, config="[broken\n", driver_problem="No driver."))
    assert len(plan.problems) == 4 and plan.driver_problems == ["No driver."]


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        (ours("1.19.1-1"), replace(NVIDIA, allow_upgrade=True)),
        (seen(LAMBDA, running_containers=2), replace(WANTED, allow_upgrade=True)),
        (
            replace(ours(), packages={**ours().packages, "nvidia-docker2": Package("2.14")}),
            replace(WANTED, allow_upgrade=True),
        ),
        (ours(), replace(WANTED, repository_key_checksum="", repository_key_unchecked_reason="a mirror of our own")),
        (ours(), replace(WANTED, swarm_resource_kind="GPU")),
        (ours(config='swarm-resource = "DOCKER_RESOURCE_GPU"\n'), replace(WANTED, swarm_resource_kind="gpu")),
    ],
)
def test_allowed(case, wanted):
    assert make_plan(wanted, case).problems == []


def test_a_key_with_another_checksum_is_fetched_again():
    assert make_plan(WANTED, ours(key="other")).fetch_key
    assert not make_plan(replace(WANTED, repository_key_checksum=""), ours(key="other")).fetch_key


OTHER = "GPU-00000000-1111-2222-3333-444444444444"
SPECIFICATION = f'- name: "{UUID}"\n  path: /usr/lib/aarch64-linux-gnu/libcuda.so.570.148.08\n  link: libcuda.so.1\n'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"specification": SPECIFICATION}, []),
        ({"specification": ""}, []),
        ({"uuids": ()}, []),
        ({"devices": []}, ["no CDI device", UUID]),
        ({"uuids": (UUID, OTHER)}, ["no CDI device", OTHER]),
        ({"devices": [UUID, OTHER], "specification": f'- name: "{OTHER}"'}, ["not here", OTHER]),
        ({"devices": [UUID, OTHER], "specification": SPECIFICATION}, []),
        ({"specification": SPECIFICATION, "driver": "580.105.08"}, ["570.148.08", "580.105.08"]),
    ],
)
def test_cdi_is_generated_when_it_must_be(change, words):
    plan = make_plan(WANTED, ours(**change))
    assert len(plan.generate) == (1 if words else 0)
    assert [word for word in words if word not in plan.generate[0]] == []
    assert plan.changed is bool(words)


def test_cdi_units_are_put_to_work():
    off = {"exists": True, "active": False, "enabled": False}
    waiting = {"exists": True, "active": False, "enabled": True}
    assert make_plan(WANTED, ours(units={cdi.SERVICE: off, cdi.WATCH: UNIT})).enable == [cdi.SERVICE]
    assert make_plan(WANTED, ours(units={cdi.SERVICE: UNIT, cdi.WATCH: waiting})).enable == [cdi.WATCH]
    assert make_plan(WANTED, ours(units={cdi.SERVICE: waiting, cdi.WATCH: UNIT})).changed is False


def test_cdi_texts():
    listed = (
        f'time="x" level=info msg="Found 3 CDI devices"\nnvidia.com/gpu=0\nnvidia.com/gpu={UUID}\nnvidia.com/gpu=all\n'
    )
    assert cdi.devices_of(listed) == ["0", UUID, "all"]
    environment = '# NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=/no\nNVIDIA_CTK_CDI_OUTPUT_FILE_PATH="/etc/cdi/gpu.yaml"\n'
    assert cdi.output_path(environment, True) == "/etc/cdi/gpu.yaml"
    assert (cdi.output_path("", True), cdi.output_path("", False)) == (cdi.VOLATILE_PATH, cdi.LASTING_PATH)


GPUS = [{"uuid": UUID}]


@pytest.mark.parametrize(
    ("loaded", "status", "gpus", "words"),
    [
        ("570.1", 0, GPUS, []),
        ("", 9, [], ["not loaded", "nvidia_driver first"]),
        ("570.1", 18, [], ["18", "restart the host"]),
        ("570.1", 127, [], ["127", "no nvidia-smi"]),
        ("570.1", 6, [], ["6", "no device"]),
        ("570.1", 0, [], ["no device"]),
    ],
)
def test_driver(loaded, status, gpus, words):
    problem = cdi.driver_problem(loaded, {"status": status, "gpus": gpus, "text": ""})
    assert bool(problem) is bool(words)
    assert [word for word in words if word not in problem] == []
