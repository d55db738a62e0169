"""What training asks of scores, one module for each source of labels; pure functions, each can be left out."""
