"""The file that spark-submit takes, in a folder of its own: Python looks there first for every module."""

import pathlib

SCRIPT = str(pathlib.Path(__file__).with_name("prep_on_spark.py"))
