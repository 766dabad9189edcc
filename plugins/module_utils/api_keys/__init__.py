# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether API keys work: one cheap authenticated read per service."""
