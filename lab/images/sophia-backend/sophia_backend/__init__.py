"""The lab's stand-in for the Sophia backend: the same interfaces, no language model behind them."""

__version__ = "1.0.0"

STAND_IN = "This is the lab's stand-in for the Sophia backend; no language model answers here."
