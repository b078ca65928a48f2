"""The tools and what they need: the Explore client, the result models, their rendering."""
