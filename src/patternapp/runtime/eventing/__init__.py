"""From an event to its subscribers: the Broker, the dispatchers of triggers, the workers of queues and streams.

Here belongs what decides who gets an event and what an answer means. Not here: tables (`store`), processes
(`functions`), where events come from (`sources`, `web`).
"""
