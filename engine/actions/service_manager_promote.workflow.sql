-- The management server that runs the workflows.
SELECT e.DisplayName
FROM dbo.ScopedInstanceTargetClass AS t
JOIN dbo.ManagedType AS m ON m.ManagedTypeId = t.ManagedTypeId
JOIN dbo.BaseManagedEntity AS e ON e.BaseManagedEntityId = t.ScopedInstanceId
WHERE m.ManagedTypeId = dbo.fn_ManagedTypeId_MicrosoftSystemCenterWorkflowTarget()
  AND e.IsDeleted = 0
ORDER BY e.DisplayName;
