"""Bulk: millions of photos on a Ray cluster, rows of crops in Parquet. Needs the extra `bulk`."""
