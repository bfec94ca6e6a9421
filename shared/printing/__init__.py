"""Commands that print pages of the docs, and the schema of a subgraph, from the source."""
