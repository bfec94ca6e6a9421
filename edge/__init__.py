"""The edge: nginx, the one address of the whole system, and the admins' console behind it."""
