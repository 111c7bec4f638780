"""Who speaks: which labels name a speaker, decided over the whole file, and who asks."""
