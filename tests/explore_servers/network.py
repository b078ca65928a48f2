"""A bad network, and servers that stall, refuse and fail."""
