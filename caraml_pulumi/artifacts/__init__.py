"""Model files on this machine and in S3 buckets. The only place that speaks S3."""
