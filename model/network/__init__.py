"""The View Ranking Network, one small module for each box of the paper's Fig. 2, its checkpoint and its export."""
