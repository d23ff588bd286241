"""What surrounds a conversion in production."""
