"""Where the vault's objects lie: a folder, or under a prefix of an S3 bucket."""
