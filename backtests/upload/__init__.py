"""Bar files as people have them, turned into the one form that `markets.bar_csv` checks. Pure."""
