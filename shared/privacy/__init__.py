"""What is held of a person: the list of it, exports, erasure."""
