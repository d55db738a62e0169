"""What is measured, a module a table: each asks every method the same questions about the photos of one data set."""
