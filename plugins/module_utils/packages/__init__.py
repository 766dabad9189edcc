"""Debian packages that are installed once, at a chosen version, and held there."""
