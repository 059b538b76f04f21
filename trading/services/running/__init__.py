"""What the processes stand on: leases, releases, the beat of the market, keys, guards of the database."""
