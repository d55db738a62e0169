"""Photos named by URL: which may be fetched, by whom, and how. The one part of the service that calls others."""
