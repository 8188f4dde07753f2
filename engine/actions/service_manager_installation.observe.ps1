param($Arguments)
# Reads what Setup left in the registry: branch, folder, role, databases, and the installed programs.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if ([IntPtr]::Size -eq 4 -and $env:PROCESSOR_ARCHITEW6432) {
    throw 'This is a 32-bit PowerShell on a 64-bit Windows: it sees another part of the registry.'
}
$software = 'HKLM:\SOFTWARE\Microsoft'

function Get-Value($key, $name) {
    if (-not (Test-Path -LiteralPath $key)) { return $null }
    # A key without values gives nothing at all.
    $values = Get-ItemProperty -LiteralPath $key
    if ($values -eq $null) { return $null }
    $property = $values.PSObject.Properties[$name]
    if ($property -eq $null) { return $null }
    return $property.Value
}

function Get-KeyName($key) {
    if (-not (Test-Path -LiteralPath $key)) { return }
    foreach ($child in @(Get-ChildItem -LiteralPath $key)) { if ($child -ne $null) { $child.PSChildName } }
}

# The branch is 2010 for every version seen, so it comes first; the others are looked through in case that changes.
$branch = $null
foreach ($one in @(@('2010') + @(Get-KeyName "$software\System Center" | Where-Object { $_ -ne '2010' } | Sort-Object))) {
    if ($branch -eq $null -and (Test-Path -LiteralPath "$software\System Center\$one\Service Manager\Setup")) { $branch = $one }
}
$answer = @{
    branch = $branch
    install_directory = $null
    sdk_service_type = $null
    portal = $false
    databases = @()
    management_group = (Test-Path -LiteralPath "$software\Microsoft Operations Manager\3.0\Server Management Groups")
    agent = (Test-Path -LiteralPath "$software\Microsoft Operations Manager\3.0\Agent Management Groups")
    sql_instances = @()
    programs = @()
}
if ($branch -ne $null) {
    $setup = "$software\System Center\$branch\Service Manager\Setup"
    $common = "$software\System Center\$branch\Common"
    $answer.install_directory = Get-Value $setup 'InstallDirectory'
    if ($answer.install_directory -eq $null) { $answer.install_directory = Get-Value "$common\Setup" 'InstallDirectory' }
    $answer.sdk_service_type = Get-Value "$common\SDK Service" 'SDK Service Type'
    $answer.portal = (Get-Value $setup 'PortalVirtualDirectory') -ne $null
    $databases = New-Object Collections.ArrayList
    foreach ($row in @(
            @('management', 'DatabaseServerName', 'DatabaseName'),
            @('staging', 'StagingSQLInstance', 'StagingDatabaseName'),
            @('repository', 'RepositorySQLInstance', 'RepositoryDatabaseName'),
            @('data-mart', 'DataMartSQLInstance', 'DataMartDatabaseName'),
            @('om-data-mart', 'OMDataMartSQLInstance', 'OMDataMartDatabaseName'),
            @('cm-data-mart', 'CMDataMartSQLInstance', 'CMDataMartDatabaseName'))) {
        $server = Get-Value "$common\Database" $row[1]
        $name = Get-Value "$common\Database" $row[2]
        if ($server -or $name) { $null = $databases.Add(@{ role = $row[0]; server = $server; name = $name }) }
    }
    $answer.databases = $databases.ToArray()
}
$instances = New-Object Collections.ArrayList
$key = "$software\Microsoft SQL Server\Instance Names\SQL"
if (Test-Path -LiteralPath $key) {
    foreach ($name in @((Get-Item -LiteralPath $key).Property | Sort-Object)) { if ($name) { $null = $instances.Add($name) } }
}
$answer.sql_instances = $instances.ToArray()
$programs = New-Object Collections.ArrayList
$key = "$software\Windows\CurrentVersion\Uninstall"
foreach ($child in @(Get-KeyName $key | Sort-Object)) {
    $name = Get-Value "$key\$child" 'DisplayName'
    if ($name -like '*Service Manager*') {
        $null = $programs.Add(@{ name = $name; version = (Get-Value "$key\$child" 'DisplayVersion') })
    }
}
$answer.programs = $programs.ToArray()
$answer
