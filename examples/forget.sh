#!/bin/sh
# An unlearning method in any language: what a program writes to the last path is the unlearned model.
exec "${PYTHON:-python3}" "$(dirname "$0")/forget_posteriors.py" "$@"
