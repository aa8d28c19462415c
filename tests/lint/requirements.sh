#!/bin/sh
# Each promise of the image side has a test that says so.
exec "$(dirname "$0")/../requirements" --check
