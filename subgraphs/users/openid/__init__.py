"""Signing in at other providers by OpenID Connect: their configuration, their HTTP, their ID tokens."""
