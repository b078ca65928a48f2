"""A first look: pictures with known copies, the real server, and what a model reads of them."""
