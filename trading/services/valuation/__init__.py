"""What people's accounts are worth, now and day by day, and what brought it."""
