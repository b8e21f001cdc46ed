"""Events: their language, their partition into boxes, and sampling from the prior given an event."""
