"""Cleans up every night."""

from pydantic import BaseModel

from patternapp.receiver import Receiver


class Job(BaseModel):
    """The schedule's `data`."""

    days: int


app = Receiver()


@app.on("dev.knative.sources.ping")
async def clean(job: Job) -> None:
    """Run at every time of the schedule."""
    print(f"cleaning up what is older than {job.days} days")
