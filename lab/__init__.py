# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: three systemd hosts and a registry on this machine's Docker engine. `python -m lab --help`."""
