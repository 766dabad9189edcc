"""The order of things on a host: one that only writes down what would be done to it."""

import os
from pathlib import Path

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import Answer, HostError
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import apply, reconcile, settings, sources
from test_nvidia_driver_plan import DEBIAN, LAMBDA, state, wanted

ALL = {
    "sys_path": "/sys",
    "proc_path": "/proc",
    "repository_key_name": "k",
    "repository_key_fingerprint": "F",
    "defer_on_busy_host": False,
}


class Host:
    """A host whose states follow each other, one a look; its steps are in `done`."""

    def __init__(self, monkeypatch, *states, offers=None):
        self.states, self.done, self.offers = list(states), [], [offers or {}]
        self.seen = self.states[0]
        self.load_error, self.has_unit = "", True
        steps = ("finish_interrupted", "refresh_lists", "run_boot_tools", "apply_sysctls", "reload_units")
        for step in (*steps, "trust_key", "install"):
            monkeypatch.setattr(apply, step, lambda *given, step=step: self.done.append((step, *given[:1])))
        monkeypatch.setattr(reconcile.apt, "hold", lambda *given: self.done.append(("hold", *given[:1])))
        monkeypatch.setattr(apply, "rehearse", lambda *given: ({}, []))
        monkeypatch.setattr(apply, "boot_tools", lambda paths, kernel: ["initramfs"] if paths else [])
        monkeypatch.setattr(reconcile, "unit_state", lambda _unit: {"exists": self.has_unit})
        monkeypatch.setattr(apply, "live_sysctls", lambda names: {})
        monkeypatch.setattr(apply, "load_module", self.load)
        monkeypatch.setattr(apply, "read_offers", lambda names: self.offers.pop(0) if self.offers else {})
        monkeypatch.setattr(reconcile.observe, "observe", lambda *_paths: self.look())
        monkeypatch.setattr(reconcile.observe, "driver", lambda *_paths: self.look())
        monkeypatch.setattr(reconcile.files, "changes", lambda wanted: [file for file in wanted if file.text])
        monkeypatch.setattr(reconcile.files, "write", lambda file: self.done.append(("write", file.path)))

    def look(self):
        self.seen = self.states.pop(0) if self.states else self.seen
        return {**self.seen, "packages": {name: dict(row) for name, row in self.seen["packages"].items()}}

    def load(self):
        self.done.append(("load",))
        return self.load_error


def test_upgrade_inside_the_archive_of_lambda(monkeypatch):
    host = Host(monkeypatch, state("lambda-570-healthy"), state("mismatch"), offers=LAMBDA)
    result = reconcile.reconcile({**wanted(source="lambda_stack"), **ALL, "apt_timeout_seconds": 1}, False)
    assert [step[0] if step[0] != "write" else step[1] for step in host.done] == [
        sources.BRANCH_PATH,
        settings.NOUVEAU_PATH,
        "install",
        "hold",
        settings.NOUVEAU_PATH,
        settings.OPTIONS_PATH,
        "run_boot_tools",
    ]
    assert result["changed"] and result["driver_version"] == "580.105.08"
    assert result["reboot_reasons"] == ["the module 570.148.08 is loaded and 580.105.08 is on disk"]
    assert "+" not in result["diff"][0]["before"]
    assert "nvidia-driver-570-server-open absent" in result["diff"][0]["after"]


def test_check_mode_touches_nothing_and_predicts(monkeypatch):
    host = Host(monkeypatch, state("lambda-570-healthy"), offers=LAMBDA)
    result = reconcile.reconcile({**wanted(source="lambda_stack"), **ALL}, True)
    assert (host.done, result["changed"]) == ([], True)
    assert result["reboot_reasons"] == ["the driver is changed while its module 570.148.08 is loaded"]


@pytest.mark.parametrize(("name", "deferred"), [("busy", True), ("lambda-570-healthy", False)])
def test_a_busy_host_is_left_alone_until_it_is_drained(monkeypatch, name, deferred):
    host = Host(monkeypatch, state(name), state("mismatch"), offers=LAMBDA)
    asked = {**wanted(source="lambda_stack", reboot="if_required"), **ALL, "defer_on_busy_host": True}
    result = reconcile.reconcile({**asked, "apt_timeout_seconds": 1}, False)
    assert (result["deferred"], result["changed"], host.done == []) == (deferred, not deferred, deferred)
    assert result["reboot_reasons"]


def test_nothing_is_done_to_a_host_with_a_problem(monkeypatch):
    host = Host(monkeypatch, state("no-devices"))
    with pytest.raises(reconcile.Refused, match="nvidia-smi ended with 6") as refused:
        reconcile.reconcile({**wanted(), **ALL}, False)
    assert host.done == [] and not refused.value.result["changed"]


def test_a_restart_that_is_not_allowed_stops_the_upgrade_before_it_begins(monkeypatch):
    host = Host(monkeypatch, state("busy"), offers=LAMBDA)
    with pytest.raises(reconcile.Refused, match="3 containers run here"):
        reconcile.reconcile({**wanted(source="lambda_stack"), **ALL}, False)
    assert host.done == []


def test_fresh_host_gets_the_archive_the_pin_and_then_the_driver(monkeypatch):
    after = state("lambda-580-cdmm", os_release={"ID": "debian", "VERSION_ID": "13"})
    host = Host(monkeypatch, state("plain-debian-no-driver"), {**after, "loaded": None}, after)
    host.offers = [{}, DEBIAN]
    result = reconcile.reconcile({**wanted(), **ALL, "apt_timeout_seconds": 1}, False)
    done = [step for step in host.done if step[0] in ("trust_key", "refresh_lists", "install", "load")]
    assert [step[0] for step in done] == ["trust_key", "refresh_lists", "install", "install", "load"]
    assert done[0][1].endswith("repos/debian13/sbsa/k")
    assert done[2][1] == {"nvidia-driver-pinning-580": ""}
    assert host.done.index(("trust_key", done[0][1])) < host.done.index(("write", sources.REPOSITORY_PATH))
    assert result["reboot_reasons"] == [] and result["source"] == "nvidia"


def test_interrupted_installation_is_finished(monkeypatch):
    host = Host(monkeypatch, state("interrupted"), state("mismatch"), offers=LAMBDA)
    reconcile.reconcile({**wanted(), **ALL, "apt_timeout_seconds": 1}, False)
    steps = [step[0] for step in host.done]
    assert steps.index("finish_interrupted") < steps.index("install")


def test_module_that_cannot_be_loaded_is_a_reason(monkeypatch):
    host = Host(monkeypatch, state("driver-not-loaded"))
    host.load_error = "modprobe nvidia ended with 1"
    result = reconcile.reconcile({**wanted(), **ALL}, False)
    assert ("load",) in host.done and "could not be loaded" in result["reboot_reasons"][0]
    host = Host(monkeypatch, state("driver-not-loaded"))
    host.load_error = "modprobe nvidia ended with 1"
    with pytest.raises(reconcile.Refused, match="nvidia_driver_reboot is never"):
        reconcile.reconcile({**wanted(reboot="never"), **ALL}, False)


def test_driver_that_was_not_built_is_an_error(monkeypatch):
    before = state("plain-ubuntu-no-driver")
    offers = {
        name: [("580.1-0ubuntu1", "http://ports.ubuntu.com")]
        for name in sources.alternatives(before, wanted(), "ubuntu")[-1]
    }
    Host(monkeypatch, before, before, offers=offers)
    with pytest.raises(HostError, match="module on disk is missing instead of branch 580"):
        reconcile.reconcile({**wanted(), **ALL, "apt_timeout_seconds": 1}, False)


@pytest.mark.parametrize(("containers", "restarts"), [(0, True), (2, False)])
def test_persistence_is_turned_on_only_on_an_idle_host(monkeypatch, containers, restarts):
    host = Host(monkeypatch, state("persistence-off", containers=containers))
    result = reconcile.reconcile({**wanted(), **ALL}, False)
    assert result["restart_persistenced"] is restarts
    assert (("write", settings.PERSISTENCE_PATH) in host.done) is restarts
    assert bool(result["warnings"]) is not restarts


def test_persistence_needs_the_daemon(monkeypatch):
    host = Host(monkeypatch, state("persistence-off"))
    host.has_unit = False
    result = reconcile.reconcile({**wanted(), **ALL}, False)
    assert not result["restart_persistenced"] and "came without nvidia-persistenced" in result["warnings"][0]


def test_persistence_is_ready_before_the_first_start_of_a_driver(monkeypatch):
    """Nouveau holds the GPU, so that nvidia-smi says nothing yet; the run after the restart must change nothing."""
    after = state("nouveau", on_disk=state("lambda-580-cdmm")["on_disk"])
    host = Host(monkeypatch, state("plain-debian-no-driver", nouveau=True), after)
    host.offers = [{}, DEBIAN]
    result = reconcile.reconcile({**wanted(), **ALL, "apt_timeout_seconds": 1}, False)
    assert result["reboot_reasons"] == ["the module nouveau holds the GPU"]
    assert ("write", settings.PERSISTENCE_PATH) in host.done and ("reload_units",) not in host.done
    assert not result["restart_persistenced"]


def test_list_is_read_again_before_a_version_is_not_on_offer(monkeypatch):
    host = Host(monkeypatch, state("lambda-570-healthy"), state("mismatch"))
    host.offers = [{}, LAMBDA]
    reconcile.reconcile({**wanted(source="lambda_stack"), **ALL, "apt_timeout_seconds": 1}, False)
    assert host.done[0] == ("refresh_lists",)


@pytest.mark.parametrize(
    ("said", "held", "words"),
    [
        ("Remv nvidia-driver-570-server-open [570.1]\nRemv lambda-stack-cuda [0.1.17]", "", "remove lambda-stack-cuda"),
        ("Inst docker.io [26] (27 Debian [amd64])", "docker.io", "change what is on hold: docker.io"),
    ],
)
def test_other_packages_are_left_alone(monkeypatch, said, held, words):
    monkeypatch.setattr(apply, "ask", lambda *_argv, **_options: Answer(0, said))
    monkeypatch.setattr(apply, "run", lambda *_argv, **_options: held)
    with pytest.raises(HostError, match=words):
        apply.simulate({"nvidia-driver-580-server-open": "580.1"}, False)


def test_rehearsal_is_under_the_new_pin(monkeypatch, tmp_path):
    folder = tmp_path / "preferences.d"
    folder.mkdir()
    (folder / "lambda-repository").write_text("Pin-Priority: 1001\n")
    (folder / "pin").write_text("old\n")
    monkeypatch.setattr(apply, "PREFERENCES", folder)
    seen = {}

    def ask(*argv, **_options):
        option = next(part for part in argv if part.startswith("Dir::Etc::preferencesparts="))
        seen.update({path.name: path.read_text() for path in Path(option.split("=")[1]).iterdir()})
        return Answer(0, "Remv nvidia-driver-570-server-open [570.1]\nInst nvidia-driver-580-server-open (580.1 x)")

    monkeypatch.setattr(apply, "ask", ask)
    monkeypatch.setattr(apply, "run", lambda *_argv, **_options: "")
    told = apply.rehearse({"a": ""}, False, [File(str(folder / "pin"), "new\n"), File("/etc/elsewhere", "x")])
    assert told == ({"nvidia-driver-580-server-open": "580.1"}, ["nvidia-driver-570-server-open"])
    assert seen == {"lambda-repository": "Pin-Priority: 1001\n", "pin": "new\n"}
    assert (folder / "pin").read_text() == "old\n"


def test_what_apt_says_is_told(monkeypatch):
    said = "The following packages have unmet dependencies:\n a : Conflicts: b"
    monkeypatch.setattr(apply, "ask", lambda *_argv, **_options: Answer(100, errors=said))
    with pytest.raises(HostError, match=r"apt-get cannot install a=1 \(100\): a : Conflicts: b"):
        apply.install({"a": "1"}, False, 1)


def test_stale_ramdisk(tmp_path):
    source, image = tmp_path / "a.conf", tmp_path / "initrd"
    source.write_text("x")
    assert not apply.stale([str(source)], str(image))
    image.write_text("y")
    assert not apply.stale([str(source)], str(image))
    os.utime(image, (1, 1))
    assert apply.stale([str(source)], str(image))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/etc/passwd"])
def test_key_comes_over_the_web(url):
    with pytest.raises(HostError, match="no web address"):
        apply.trust_key(url, "F")
