"""The operator: watches PatternApp resources and keeps their objects. It alone writes to a cluster."""
