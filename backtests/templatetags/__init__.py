"""Words of backtests for templates."""
