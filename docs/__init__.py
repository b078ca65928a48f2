"""The documentation, and the script that generates the parts of it that repeat the code."""
