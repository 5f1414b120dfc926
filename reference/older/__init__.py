"""Files of facts as they once were: how a row of an older file says what columns of today say."""
