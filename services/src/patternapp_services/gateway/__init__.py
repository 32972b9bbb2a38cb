"""The API gateway: which route a request takes, who may call and how often, which answers are known, and the way on."""
