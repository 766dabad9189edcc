# SPDX-License-Identifier: GPL-3.0-or-later
"""Names on the move: the plan of a cut-over, and what name servers say."""
