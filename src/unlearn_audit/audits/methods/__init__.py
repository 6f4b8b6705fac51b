"""Unlearning methods compared: what each gives away, whether it forgets, and at what price."""
