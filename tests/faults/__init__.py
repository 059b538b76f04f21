"""Proof by dying: processes of ours are killed at every line and at random, and an auditor asks the venue what is true."""
