"""Map servers beside each other: ours, those that others wrote, and the bare work as a server."""
