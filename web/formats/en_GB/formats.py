"""24-hour times, where Django has "11:32 p.m."; FORMAT_MODULE_PATH in the settings names this package."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y, H:i"
