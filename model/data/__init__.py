"""Readers of the data sets that training and evaluation use; each checks everything before it returns."""
