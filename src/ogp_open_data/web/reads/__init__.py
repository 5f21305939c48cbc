"""Answers to reads: lists, records, history, catalogues, and what the program says of itself."""
