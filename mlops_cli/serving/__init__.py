"""HTTP prediction: what is served, how requests are checked, and the server itself."""
