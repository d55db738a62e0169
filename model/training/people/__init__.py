"""The second stage of training: what people drew, voted for and looked at, from the weights of the first."""
