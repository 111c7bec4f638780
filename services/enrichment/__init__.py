"""Service that asks a language model for notes on chunks of interviews."""
