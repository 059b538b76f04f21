"""The market through the API: instruments, their prices and bars, and a person's watchlist."""
