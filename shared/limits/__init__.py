"""How much one caller may do: rates, budgets of operations, places for subscriptions."""
