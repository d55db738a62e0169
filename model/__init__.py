"""The View Ranking Network: candidate views, the model, its training and its evaluation.

Pure: knows nothing of HTTP, environment variables or metrics. Importing this package imports no torch, so that
serving on a CPU can use `boxes`, `candidates`, `transforms` and `ranking` without it.
"""
