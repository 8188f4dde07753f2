param($Arguments)
# One value of the registry with its kind, not expanded. Numbers are unsigned, binary data is hexadecimal.
$ErrorActionPreference = 'Stop'
if ([IntPtr]::Size -eq 4 -and $env:PROCESSOR_ARCHITEW6432) {
    throw 'This is a 32-bit PowerShell on 64-bit Windows; it would read the wrong part of the registry.'
}

$path = $Arguments.key -replace '^(HKLM|HKCU)\\', '$1:\'
$name = $Arguments.name
if (-not (Test-Path -LiteralPath $path)) { return @{ key_found = $false; found = $false } }
$key = Get-Item -LiteralPath $path
if (-not (@($key.GetValueNames()) -contains $name)) { return @{ key_found = $true; found = $false } }

$kind = $key.GetValueKind($name).ToString()
$value = $key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
if ($kind -eq 'DWord') { $value = [BitConverter]::ToUInt32([BitConverter]::GetBytes([int]$value), 0) }
if ($kind -eq 'QWord') { $value = [BitConverter]::ToUInt64([BitConverter]::GetBytes([long]$value), 0) }
if ($kind -eq 'Binary') { $value = (@($value) | ForEach-Object { $_.ToString('x2') }) -join '' }
if ($kind -eq 'MultiString') { $value = [object[]]@($value) }
@{ key_found = $true; found = $true; kind = $kind; value = $value }
