# SPDX-License-Identifier: GPL-3.0-or-later
"""Snowflake's databases, warehouses, roles and grants: read, planned, written."""
