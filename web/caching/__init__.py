"""The page cache, cached fragments, and Redis underneath them."""
