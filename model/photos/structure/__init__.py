"""Looks at an upload's structure before any decoder does: small pure functions on bytes, each bounded in time."""
