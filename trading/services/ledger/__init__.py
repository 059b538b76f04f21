"""The books: the only code that writes them, and what is read from them as it stands."""
