"""Work on untrusted bytes in processes of their own, each bounded in time and memory and killed past its limits."""
