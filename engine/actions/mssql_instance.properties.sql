-- What an instance says of itself.
SELECT SERVERPROPERTY('ProductVersion') AS version,
       SERVERPROPERTY('ProductLevel') AS level,
       SERVERPROPERTY('Edition') AS edition,
       SERVERPROPERTY('Collation') AS collation,
       SERVERPROPERTY('IsFullTextInstalled') AS full_text;
