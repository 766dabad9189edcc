"""Runs a module's main() as Ansible does, and returns all that it said."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from ansible.module_utils import basic


class Run(NamedTuple):
    """What a module left: its result, everything it wrote, and its warnings (kept apart, whatever else is imported)."""

    result: dict
    said: str
    warnings: list


def run(main, monkeypatch, capsys, *, check=False, diff=True, **options) -> Run:
    """Call a module's main() with these options, as verbose as it goes."""
    control = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_verbosity": 4, "_ansible_no_log": False}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **control}}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    warnings: list = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, warning, **_more: warnings.append(warning))
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main()
    out, err = capsys.readouterr()
    return Run(json.loads(out[out.index("{") :]), out + err, warnings)
