"""The live market of KIS without its socket: what to register, how a connection is talked to, what its messages amount to."""
