"""Backtests and sweeps through the API: asked for, watched, read."""
