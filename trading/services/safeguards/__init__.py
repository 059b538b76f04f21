"""What stops trading, who is told, and the limits that every order has to pass."""
