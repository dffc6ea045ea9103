"""What people see while a part of the installation fails: each row of docs/degraded.md is a test."""
