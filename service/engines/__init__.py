"""What runs the network: the contract of an engine, CPU and CUDA engines, and the thread that drives one."""
