"""Plans: registered, evaluated on closed bars, stepped by fills, stopped; and what one would be like."""
