"""What users touch: the command line, the client settings and the local stack."""
