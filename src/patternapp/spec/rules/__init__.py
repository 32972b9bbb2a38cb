"""Rules across fields, one module a subject. Each is a function from an app to the flaws it finds.

Not here: what one field may hold (the models), and in which order rules run (`patternapp.spec.validation`).
"""
