"""For spark-submit: a job of prep on Spark; options as of `python -m prep_stream.spark`."""

import sys

from prep_stream.spark import main

sys.exit(main())
