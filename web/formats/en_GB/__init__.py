"""The formats of our language."""
