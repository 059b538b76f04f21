"""What a rule would have done on stored bars: pure so far, arrays and integers in, fills and equity out."""
