"""The simulated market and the replay of real bars: sources of live prices, like any broker's."""
