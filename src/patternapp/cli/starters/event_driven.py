"""Greets whoever says hello."""

from pydantic import BaseModel

from patternapp.receiver import Receiver


class Hello(BaseModel):
    """What comes with `hello.said`."""

    name: str


class Greeting(BaseModel):
    """What goes back to the Broker with `hello.answered`."""

    text: str


app = Receiver()


@app.on("hello.said", reply="hello.answered")
async def greet(hello: Hello) -> Greeting:
    """Answer an event with another one."""
    print(f"greeting {hello.name}")
    return Greeting(text=f"Hello, {hello.name}!")
