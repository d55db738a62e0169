"""The measures of the field, the baselines, and the command that compares a checkpoint with them."""
