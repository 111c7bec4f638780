"""Spend: prices, budgets, and the ledger of all calls, reserved before they are made."""
