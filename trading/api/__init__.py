"""Trading through the API. Everything that changes anything is a call of the services the pages use."""
