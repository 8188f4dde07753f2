-- The messages that products added to the instance; their numbers begin above 50000.
SELECT COUNT(*) AS entries, COUNT(DISTINCT m.message_id) AS messages
FROM sys.messages AS m
WHERE m.message_id > 50000;
