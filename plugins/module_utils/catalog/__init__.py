# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog: from one list of services to everything that follows from it. Pure functions, no input or output.

`spec` and `merge` read entries, `model` is the catalog they make, and the rules say what does not fit together.
`compose`, `generated` and `outside` are what follows; `releases` and `documents` put it together. All this is for
the control node.
"""
