"""Who calls: access tokens, actors, addresses, and what is encrypted for whom."""
