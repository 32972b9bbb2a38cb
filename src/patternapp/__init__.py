"""PatternApp: six serverless patterns from one file.

Nothing is imported here, so that importing one part never pays for another.
"""
