"""What a broker tells us becomes what we know: readings, reports, and the end of doubt."""
