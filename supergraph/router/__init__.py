"""The two routers of the graph: the command lines that start them. Their configuration stands beside."""
