# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Snowflake account: fakesnow's server with checked logins and a catalogue of its own in front of it."""
