"""What no program can leave out of a job: the sum of its parts, each done alone on one core.

The input is copied, its values are decompressed, once for each of two passes, and compressed once, by the
codecs as pyarrow has them and in pages of 1 MiB; that is all: nothing is decoded, computed or routed. To
fit, it is read and decompressed once.
"""

import shutil
import time

PAGE_BYTES = 1 << 20


def timed(work):
    """The least processor time of three runs: the first ones also make memory."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def reading(source):
    for file in source.iterdir():
        with open(file, "rb", buffering=0) as opened:
            while opened.read(PAGE_BYTES):
                pass


def copying(source, folder):
    """Every byte of the input is read and written elsewhere."""
    target = folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def pages(job, source):
    """One row group's values of every feature, in pages, and how many times the table is as large."""
    import numpy as np
    import pyarrow.parquet as pq

    files = sorted(source.glob("*.parquet"))
    rows = sum(pq.ParquetFile(f).metadata.num_rows for f in files)
    group = pq.ParquetFile(files[0]).read_row_group(0)
    found = []
    for name in group.column_names:
        values = group[name].to_numpy().tobytes()
        found += [values[i : i + PAGE_BYTES] for i in range(0, len(values), PAGE_BYTES)]
    written = found
    if job.dtype == "float32":
        written = [np.frombuffer(page, "f8").astype("f4").tobytes() for page in found]
    return found, written, rows / group.num_rows


def of(job, source, folder):
    """Seconds of processor time by part."""
    import pyarrow as pa

    read, written, times = pages(job, source)
    snappy = pa.Codec("snappy")
    packed = [(snappy.compress(page), len(page)) for page in read]
    unpack = timed(lambda: [snappy.decompress(page, size) for page, size in packed])
    if not job.writes:
        return {"reading": timed(lambda: reading(source)), "decompressing": unpack * times}
    codec = pa.Codec(job.codec, compression_level=1) if job.codec == "zstd" else pa.Codec(job.codec)
    pack = timed(lambda: [codec.compress(page) for page in written])
    copy = timed(lambda: copying(source, folder))
    shutil.rmtree(folder / "copy")
    return {"copying": copy, "decompressing twice": 2 * unpack * times, "compressing": pack * times}
