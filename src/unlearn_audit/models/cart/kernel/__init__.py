"""Growing, replaying and asking trees, compiled by numba; imported only where numba is installed.

No function here reorders floating-point operations (no fast-math), so each gives scikit-learn's bits.
"""
