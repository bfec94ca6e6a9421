"""The /graphql endpoint of a subgraph: building its schema, reading, limiting and executing operations."""
