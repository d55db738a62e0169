"""Peers as their own users would write them: short on purpose, and no example of how this project is built."""
