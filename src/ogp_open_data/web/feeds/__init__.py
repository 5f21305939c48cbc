"""Feeds: the news, the states of records, and the archives behind both."""
