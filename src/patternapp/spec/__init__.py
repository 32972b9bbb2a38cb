"""What the user wrote: the models of a PatternApp resource and everything that reads or describes them.

Here belong the models, the YAML reader, the rules across fields, and the schemas made from the models.
Not here: what follows from an app (`patternapp.plan`), files, sockets, clocks.
"""
