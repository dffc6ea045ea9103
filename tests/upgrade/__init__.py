"""Upgrades: `migrate` twice at once, and the previous release on the schema of this one."""
