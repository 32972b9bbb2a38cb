"""The apps that `patternapp init` writes: NAME.yaml becomes app.yaml, NAME.py becomes functions.py."""
