"""The queues and streams of `dev --kafka`: a real Kafka is the log, and what reads it is the worker of a cluster.

Here belongs what joins `patternapp_services`' Kafka worker and writer to the runtime's store and functions. Nothing
outside of this package needs kafka-python, so it is imported only where somebody asks for Kafka.
"""
