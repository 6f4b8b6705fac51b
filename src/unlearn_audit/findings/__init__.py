"""What an audit found: figures computed from scores, the kind of verdict, and the layout of findings.json."""
