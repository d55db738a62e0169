"""What runs the network: the contract of an engine, CPU and CUDA engines, and the threads that drive one."""
