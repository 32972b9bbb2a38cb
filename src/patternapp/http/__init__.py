"""The one HTTP server: of functions, of `dev` and of our services.

Belongs here: what bounds a client (`limits`, `protocol`, `guard`), listening and ending in good order (`server`), and
answers that need no framework (`answers`). Does not: events, or what any path means.
"""
