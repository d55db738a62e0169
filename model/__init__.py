"""The View Ranking Network: candidate views, the model, its training and its evaluation.

Pure: knows nothing of HTTP, environment variables or metrics. `views` and `photos` are the ground and need no
torch, so that serving on a CPU can do without it; `network` and `data` stand on them, then `evaluation`, then
`training`.
"""
