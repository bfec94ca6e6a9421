"""The one graph: composition of the subgraphs and the routers that serve it."""
