"""Decides which drafted notes the transcript supports; nothing goes downstream without evidence."""
