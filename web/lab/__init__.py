"""The lab of development: ways to do the same thing, run side by side on real rows, with what each of them costs."""
