# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the files that the role host_base owns. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

HEADER = "Written by the role host_base."

UPGRADES_PATH = "/etc/apt/apt.conf.d/52sophia-unattended-upgrades"
NEEDRESTART_PATH = "/etc/needrestart/conf.d/60-sophia.conf"
LIMITS_PATH = "/etc/security/limits.d/60-sophia.conf"
MANAGER_PATH = "/etc/systemd/system.conf.d/60-sophia.conf"
# Debian 13 has a syslog.conf of its own there, and the last name wins.
JOURNAL_PATH = "/etc/systemd/journald.conf.d/zz-sophia.conf"

# Whose security updates a distribution takes. Ubuntu's release pocket never changes, but an update may need a package
# from there that the host does not have yet.
SECURITY_ORIGINS = {
    "debian": ["origin=Debian,codename=${distro_codename}-security,label=Debian-Security"],
    "ubuntu": [
        "origin=Ubuntu,archive=${distro_codename},label=Ubuntu",
        "origin=Ubuntu,archive=${distro_codename}-security,label=Ubuntu",
        "origin=UbuntuESM,archive=${distro_codename}-infra-security,label=UbuntuESM",
        "origin=UbuntuESMApps,archive=${distro_codename}-apps-security,label=UbuntuESMApps",
    ],
}
NOTHING_BY_ITSELF = {"APT::Periodic::Unattended-Upgrade": "0"}
SECURITY_BY_ITSELF = {
    "APT::Periodic::Enable": "1",
    "APT::Periodic::Update-Package-Lists": "1",
    "APT::Periodic::Unattended-Upgrade": "1",
    "APT::Periodic::AutocleanInterval": "7",
    # A GPU host must come back with the kernel that its driver's module was built for, at a time that people choose.
    "Unattended-Upgrade::Automatic-Reboot": "false",
    "Unattended-Upgrade::Remove-Unused-Kernel-Packages": "false",
}


def upgrade_lists(distribution: str, blacklist: Sequence[str]) -> dict[str, list[str]]:
    """Give the lists of apt's configuration that decide what is upgraded by itself."""
    return {
        "Unattended-Upgrade::Allowed-Origins": [],
        "Unattended-Upgrade::Origins-Pattern": SECURITY_ORIGINS.get(distribution, []),
        "Unattended-Upgrade::Package-Blacklist": list(blacklist),
    }


def upgrades_text(wanted: bool, distribution: str, blacklist: Sequence[str]) -> str:
    """Render the settings of unattended upgrades, on or off.

    Off is a file too, for Ubuntu's own default is on, and knows nothing of what must stay as it is on a GPU host.
    """
    if not wanted:
        return f"// {HEADER}\n" + "".join(f'{key} "{value}";\n' for key, value in NOTHING_BY_ITSELF.items())
    lines = [f"// {HEADER}", *(f'{key} "{value}";' for key, value in SECURITY_BY_ITSELF.items())]
    lists = upgrade_lists(distribution, blacklist)
    # Lists of several files add up, so that the distribution's own origins must go before ours can stand alone.
    lines += [f"#clear {key};" for key in lists if not key.endswith("Blacklist")]
    for key, values in lists.items():
        if values:
            lines += [f"{key} {{", *(f'  "{value}";' for value in values), "};"]
    return "\n".join(lines) + "\n"


def upgrades_problems(dump: str, wanted: bool, distribution: str, blacklist: Sequence[str]) -> list[str]:
    """Compare apt's effective configuration (`apt-config dump`) with what our file says."""
    have: dict[str, list[str]] = {}
    for key, value in re.findall(r'^(\S+) "(.*)";$', dump, re.MULTILINE):
        have.setdefault(key, []).append(value)
    found = [
        f"apt's effective {key} is {have.get(key, ['unset'])[-1]}, not {value}: a file that sorts after "
        f"{UPGRADES_PATH} says otherwise. Take it away."
        for key, value in (SECURITY_BY_ITSELF if wanted else NOTHING_BY_ITSELF).items()
        if have.get(key, [""])[-1] != value
    ]
    for key, values in upgrade_lists(distribution, blacklist).items() if wanted else ():
        seen = have.get(f"{key}::", [])
        more = [] if key.endswith("Blacklist") else [value for value in seen if value not in values]
        missing = [value for value in values if value not in seen]
        if more or missing:
            found.append(
                f"apt's effective {key} has {', '.join(more) or 'nothing'} too many and lacks "
                f"{', '.join(missing) or 'nothing'}: a file that sorts after {UPGRADES_PATH} says otherwise."
            )
    return found


def needrestart_text(services: Sequence[str]) -> str:
    """Render the rule that keeps needrestart from restarting services after upgrades."""
    if not services:
        return ""
    names = "|".join(re.escape(name) for name in services)
    return f"# {HEADER}\n$nrconf{{override_rc}}{{qr(^({names})\\.service$)}} = 0;\n"


def limits_text(soft: int, hard: int) -> str:
    """Render the limits of login sessions; `*` does not mean root."""
    if not hard:
        return ""
    rows = [f"{who} {kind} nofile {value}" for who in ("*", "root") for kind, value in (("soft", soft), ("hard", hard))]
    return f"# {HEADER}\n" + "".join(f"{row}\n" for row in rows)


def manager_text(soft: int, hard: int) -> str:
    """Render the limits that systemd gives services without limits of their own."""
    return f"# {HEADER}\n[Manager]\nDefaultLimitNOFILE={soft}:{hard}\n" if hard else ""


def journal_text(max_use_mib: int, retention_days: int, forward_to_syslog: bool) -> str:
    """Render how much and how long the journal keeps. Without a journal on disk neither would mean anything."""
    settings = {
        "Storage": "persistent",
        "SystemMaxUse": f"{max_use_mib}M" if max_use_mib else "",
        "MaxRetentionSec": f"{retention_days}day" if retention_days else "",
        "ForwardToSyslog": "yes" if forward_to_syslog else "no",
    }
    return f"# {HEADER}\n[Journal]\n" + "".join(f"{key}={value}\n" for key, value in settings.items() if value)


def journal_problems(config: str, text: str) -> list[str]:
    """Compare what the journal reads in all (`systemd-analyze cat-config`) with what our file says."""
    have, wanted = _last_values(config), _last_values(text)
    return [
        f"The journal's {key} is {have.get(key)}, not {value}: a file that sorts after {JOURNAL_PATH} says otherwise."
        for key, value in wanted.items()
        if have.get(key) != value
    ]


def _last_values(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def open_files(limits: Mapping[str, object]) -> tuple[int, int]:
    """Give soft and hard limit of open files, 0 and 0 when they are left alone. ValueError when they are no numbers."""
    if not limits:
        return 0, 0
    unknown = sorted(set(limits) - {"soft", "hard"})
    if unknown or len(limits) != 2:
        raise ValueError(f"needs exactly soft and hard, not {', '.join(sorted(limits))}")
    for kind, value in limits.items():
        if isinstance(value, bool) or not re.fullmatch(r"[1-9][0-9]{0,9}", str(value).strip()):
            raise ValueError(f"{kind} is {value!r}, which is no number of files")
    soft, hard = int(str(limits["soft"])), int(str(limits["hard"]))
    if soft > hard:
        raise ValueError(f"soft ({soft}) is above hard ({hard})")
    return soft, hard
