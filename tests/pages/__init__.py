"""Every page, in every dress, held against its budgets: `make test-pages`."""
