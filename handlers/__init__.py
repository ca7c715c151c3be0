"""The web: one module for each family of addresses. Parse, authorise, call the domain, answer."""
