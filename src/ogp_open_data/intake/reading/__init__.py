"""A document becomes a Draft: pure, from bytes to what it claims."""
