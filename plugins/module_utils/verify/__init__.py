# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a running platform from outside: transport, MCP client, judgements, and the runs that repeat them."""
