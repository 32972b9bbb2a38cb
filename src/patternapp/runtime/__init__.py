"""Runs a plan on one machine: a durable broker, function processes, queues, streams, schedules.

This is what `patternapp dev` starts. It imports no web framework that a function would want for itself.
"""
