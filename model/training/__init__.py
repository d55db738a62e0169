"""Batches, losses, steps and runs; the command that trains."""
