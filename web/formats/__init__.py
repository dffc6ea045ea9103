"""How Django writes dates and times where a page names no format: mostly in the admin."""
