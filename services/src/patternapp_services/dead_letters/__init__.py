"""The dead-letter store of an app: a sink that keeps what nobody could take, and an API that lists and re-sends it."""
