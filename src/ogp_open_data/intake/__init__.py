"""Documents in: what a document claims, and what that changes. Pure, but for the importer."""
