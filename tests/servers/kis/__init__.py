"""A stand-in for the servers of Korea Investment & Securities, speaking their wire format: `python -m tests.servers.kis`.

Written from the protocol's description alone, never from the adapter that talks to it, so that the two cannot agree in
error. What it can do and how it is told to misbehave: `docs/kis-sandbox.md`.
"""
