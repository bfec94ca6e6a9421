"""PostgreSQL: connections and transactions, the tables that every subgraph has, locks, migrations."""
