"""From passages to segments, and from segments to chunks."""
