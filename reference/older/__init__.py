"""Files of facts as they were: older rows with the columns of today."""
