# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog: from one list of services to everything that follows from it. Pure functions, no input or output.

spec and merge read entries, model is the catalog they make, rules say what does not fit together, and compose, generated,
records and checks are what follows. Used on the control node only.
"""
