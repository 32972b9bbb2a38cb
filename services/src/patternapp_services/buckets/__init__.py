"""The buckets of `dev`: a small S3 endpoint over folders."""
