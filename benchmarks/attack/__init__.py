"""Attacks on a running server of its own, on loopback, each bounded: what failed, the worst it cost."""
