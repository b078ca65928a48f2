"""The answers: what each field means, and the same facts as text."""
