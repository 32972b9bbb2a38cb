"""The receiver of bucket notifications: what an S3 store tells of its objects becomes events of the Broker."""
