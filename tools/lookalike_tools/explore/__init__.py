"""The Explore client: one way to ask a local engine or a Visual Layer server, cloud or on premises."""
