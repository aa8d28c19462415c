#!/usr/bin/python3
"""localhost/busybox:latest, a docker archive with one layer."""
import sys
from mkimg import Image, busybox_layer

Image([busybox_layer()], {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}
      ).docker_archive(sys.argv[1], ["localhost/busybox:latest"])
