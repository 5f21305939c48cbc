"""Open data of a country's Open Government Partnership plan: reports in, versioned JSON, CSV and Atom out."""

__version__ = "0.1.0"
