"""The operator: watches PatternApp resources and keeps their objects. It alone knows a cluster."""
