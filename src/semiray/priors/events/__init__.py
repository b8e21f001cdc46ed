"""Events: their language, their partition into boxes, sampling given one."""
