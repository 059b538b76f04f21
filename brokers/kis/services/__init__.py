"""The KIS adapter with our rows behind it: keys opened, tokens and budgets shared by all processes."""
