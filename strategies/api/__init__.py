"""Strategies through the API: the library, a person's own documents and their versions, `.kis.yaml` in and out."""
