"""The failures of a backup and of a restore. Each message is for the operator, and says what to do."""


class BackupFailed(Exception):
    """No backup was made, or a part of its work after that failed."""


class RestoreRefused(Exception):
    """A backup that cannot be restored here, or a database that is not the one in the backup."""
