#!/usr/bin/python3
"""The image of layers12.py with every layer gzip'ed, for tools that know no zstd."""
# needs: layers12.py
import os
import runpy
import sys

os.environ["LAYERS12_COMPRESSION"] = "gzip"
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers12.py"), run_name="__main__")
