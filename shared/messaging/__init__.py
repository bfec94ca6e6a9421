"""Events on their way: the outbox, Kafka, consumers with their inbox, streams and dead letters."""
