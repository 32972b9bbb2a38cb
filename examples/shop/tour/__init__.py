"""The tour of `demo.py`: real input through every pattern of the shop, and a look at what came out."""
