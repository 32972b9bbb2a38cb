"""Answers requests of the gateway, and takes the events that the gateway makes of others."""

from patternapp.receiver import Event, Receiver

app = Receiver()


@app.get("/hello/{name}")
async def greet(name: str) -> dict[str, str]:
    """Answer a request while the caller waits."""
    return {"text": f"Hello, {name}!"}


@app.on("hello.waved")
async def wave(event: Event[object]) -> None:
    """Take a wave, which the gateway has already accepted with 202."""
    print(f"somebody waved: {event.data}")
