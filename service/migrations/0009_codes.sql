-- Reasons and dimensions as codes: told in the file of the same name that is merged before this one.
SELECT 1;
