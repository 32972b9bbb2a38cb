"""What every process of PatternApp tells of itself in the same way: lines of logs, and where its traces go."""
