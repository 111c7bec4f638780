"""Rehearsals: letters are taken through the current code of their stage, and nothing comes of it.

::

    POST /v1/rehearsals ─▶ letters chosen (PostgreSQL) ─▶ runner ─▶ the stage's POST /rehearse
                                                            └─▶ a prediction for each letter
"""
