"""What typed settings share: files they name, and what people are told of a wrong one."""
