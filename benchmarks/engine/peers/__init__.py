"""One small program for each peer, run by the peer's own Python: folder in, clusters out. Each needs only its peer."""
