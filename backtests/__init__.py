"""What a rule would have done on stored bars: the engine is pure, arrays and integers in, fills and equity out."""
