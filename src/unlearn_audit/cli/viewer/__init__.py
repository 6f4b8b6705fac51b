"""A local page of the runs under a folder: read only, on this machine alone, for whoever has its token."""
