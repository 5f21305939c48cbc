"""What leaves unasked, read from the releases after they are committed; intake knows nothing of it."""
