"""Measures how right the transcript readers are about files whose turns are known another way."""
