-- How far the request of a job is; a job's connection has the job's key as the name of its program.
SELECT r.percent_complete
FROM sys.dm_exec_requests AS r
JOIN sys.dm_exec_sessions AS s ON s.session_id = r.session_id
WHERE s.program_name = @key;
