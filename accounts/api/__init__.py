"""The API: what every app's part of it stands on, and signing in. Each app above has a package of the same name."""
