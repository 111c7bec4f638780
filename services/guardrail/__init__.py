"""Decides which drafted notes the transcript bears out; nothing goes downstream without proof."""
