"""One module per command: its arguments, and what it prints. Heavy imports belong inside the functions."""
