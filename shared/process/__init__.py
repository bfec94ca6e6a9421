"""One process of a subgraph: its application, its server, its connections, its end."""
