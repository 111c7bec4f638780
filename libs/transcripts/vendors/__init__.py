"""JSON of transcription services, one family a module, and a reader of lists of turns in general.

Each module has ``FORMATS``: for each format of the family whether a decoded document has its
shape, and how its passages are taken from it.
"""
