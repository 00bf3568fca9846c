"""What changes the world: each action is permitted, done once, and recorded, in one transaction."""

from layers.actions.gate import act

__all__ = ["act"]
