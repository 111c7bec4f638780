"""Ledger of model calls: prices, budgets, spend reserved before a call and settled after it."""
