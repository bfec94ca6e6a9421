"""Search by words: what somebody wrote, read as a query, and the SQL that it becomes."""
