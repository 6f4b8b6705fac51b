"""What an audit found: figures computed from scores, the kind of the verdict, and the layout of findings.json."""
