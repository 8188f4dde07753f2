-- The version that a Service Manager database says it has.
SELECT DBVersion
FROM dbo.__MOMManagementGroupInfo__;
