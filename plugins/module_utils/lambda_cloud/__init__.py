# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda Cloud: client, plans for instances and firewall rulesets, launches and waits. Facts: its API v1, spec 1.10."""
