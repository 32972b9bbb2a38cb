"""Where events come from by themselves: buckets that are watched, schedules that come due."""
