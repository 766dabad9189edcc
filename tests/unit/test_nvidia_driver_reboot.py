"""Why a host restarts, and what it is configured with."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import reboot, settings
from test_nvidia_driver_plan import state, wanted


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("lambda-570-healthy", {}, []),
        ("lambda-580-cdmm", {}, []),
        ("mismatch", {}, ["the module 570.148.08 is loaded and 580.105.08 is on disk"]),
        ("nouveau", {}, ["nouveau holds the GPU"]),
        ("lambda-580-numa", {}, ["CoherentGPUMemoryMode is '' in the loaded module and should be 'driver'"]),
        ("lambda-580-numa", {"coherent_memory_mode": "unmanaged"}, []),
        ("lambda-580-numa", {"coherent_memory_mode": "numa"}, ["should be 'numa'"]),
        ("lambda-580-cdmm", {"coherent_memory_mode": "numa"}, ["is 'driver' in the loaded module"]),
        ("mig-on", {}, []),
        ("reboot-required", {}, ["linux-image-6.8.0-1014-nvidia-64k"]),
        ("reboot-required-libc", {}, []),
        ("reboot-required-libc", {"reboot_scope": "any"}, ["libc6"]),
        ("lambda-570-healthy", {"kernel_parameters": ["numa_balancing=disable"]}, []),
        (
            "lambda-570-healthy",
            {"kernel_parameters": ["init_on_alloc=0", "x=1"], "manage_kernel_parameters": True},
            ["the kernel was started without x=1"],
        ),
    ],
)
def test_reasons(name, options, words):
    found = reboot.reasons(state(name), wanted(**options), installing=False)
    assert len(found) == (1 if words else 0), found
    assert [word for word in words if word not in found[0]] == []


def test_more_reasons():
    seen = state("lambda-570-healthy", smi={"status": 18, "text": "Driver/library version mismatch"})
    assert "nvidia-smi ended with 18" in reboot.reasons(seen, wanted(), False)[0]
    seen = state("lambda-570-healthy", loaded={"version": "570.148.08", "open": False})
    assert "the closed module 570.148.08 is loaded" in reboot.reasons(seen, wanted(), False)[0]
    found = reboot.reasons(state("driver-not-loaded"), wanted(), False, "modprobe nvidia ended with 1")
    assert "could not be loaded (modprobe nvidia ended with 1)" in found[0]
    seen = state("lambda-580-cdmm", params={"CoherentGPUMemoryMode": "driver", "RmProfilingAdminOnly": "1"})
    options = wanted(module_options={"NVreg_RestrictProfilingToAdminUsers": 0})
    assert "RestrictProfilingToAdminUsers is '1'" in reboot.reasons(seen, options, False)[0]


def test_an_upgrade_asks_for_a_restart_before_it_begins():
    assert "while its module 570.148.08 is loaded" in reboot.reasons(state("lambda-570-healthy"), wanted(), True)[0]
    assert reboot.reasons(state("plain-ubuntu-no-driver"), wanted(), True) == []


@pytest.mark.parametrize(
    ("policy", "containers", "words"),
    [
        ("if_required", 3, ""),
        ("when_idle", 0, ""),
        ("when_idle", 1, "1 container runs here"),
        ("when_idle", 2, "2 containers run here"),
        ("when_idle", None, "does not say which containers run"),
        ("never", 0, "nvidia_driver_reboot is never"),
    ],
)
def test_permission(policy, containers, words):
    seen, options = state("mismatch", containers=containers), wanted(reboot=policy)
    found = reboot.refusal(["a reason"], seen, options)
    assert (words in found[0] and "a reason" in found[0]) if words else found == []
    assert reboot.refusal([], seen, options) == []


@pytest.mark.parametrize(
    ("name", "options", "installing", "text"),
    [
        ("lambda-570-healthy", {}, False, ""),
        ("lambda-570-healthy", {}, True, "NVreg_CoherentGPUMemoryMode=driver"),
        ("lambda-580-numa", {}, False, "NVreg_CoherentGPUMemoryMode=driver"),
        ("lambda-580-numa", {"coherent_memory_mode": "numa"}, False, "NVreg_CoherentGPUMemoryMode=numa"),
        ("lambda-580-numa", {"coherent_memory_mode": "unmanaged"}, False, None),
        ("mig-on", {}, False, ""),
        ("lambda-570-healthy", {"module_options": {"NVreg_B": 0, "NVreg_A": 1}}, False, "NVreg_A=1 NVreg_B=0"),
    ],
)
def test_module_options(name, options, installing, text):
    files = {file.path: file.text for file in settings.boot_files(state(name), wanted(**options), installing)}
    if text is None:
        assert settings.OPTIONS_PATH not in files
    else:
        assert files[settings.OPTIONS_PATH] == (f"{settings.WRITTEN}options nvidia {text}\n" if text else "")
    assert (settings.NOUVEAU_PATH in files) is installing


def test_nouveau_is_kept_away():
    files = {file.path: file.text for file in settings.boot_files(state("nouveau"), wanted(), False)}
    assert "blacklist nouveau\n" in files[settings.NOUVEAU_PATH]


def test_kernel_parameters_are_only_told_unless_they_are_managed():
    seen, options = state("lambda-570-healthy"), wanted(kernel_parameters=["init_on_alloc=0", "x=1"])
    assert settings.missing_kernel_parameters(seen, options) == ["x=1"]
    assert settings.GRUB_PATH not in [file.path for file in settings.boot_files(seen, options, False)]
    managed = settings.boot_files(seen, {**options, "manage_kernel_parameters": True}, False)
    text = next(file.text for file in managed if file.path == settings.GRUB_PATH)
    assert text.endswith('GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT init_on_alloc=0 x=1"\n')


def test_sysctls():
    options = wanted(sysctls={"vm.swappiness": 10, "kernel.numa_balancing": 0})
    text = settings.sysctl_file(options).text
    assert text.endswith("kernel.numa_balancing = 0\nvm.swappiness = 10\n")
    assert settings.sysctl_file(wanted()).text == ""
    assert settings.sysctl_differs(options, {"vm.swappiness": "60\n"})
    assert not settings.sysctl_differs(options, {"vm.swappiness": "10\n"})


@pytest.mark.parametrize(
    ("state_told", "options", "installing", "expected"),
    [
        ("Disabled", {}, False, True),
        ("Disabled", {"persistence": False}, False, False),
        ("Enabled", {}, True, False),
        ("", {}, True, True),
        ("", {}, False, False),
    ],
)
def test_persistence(state_told, options, installing, expected):
    assert settings.wants_persistence(state_told, wanted(**options), installing) is expected
