# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of a check raises."""


class ProbeError(Exception):
    """A request or its answer is not usable. The message says what was asked, what came and what to do."""
