"""Load on a server process: throughput, latency, overload, memory, against the targets."""
