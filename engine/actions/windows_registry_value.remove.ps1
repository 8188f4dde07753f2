param($Arguments)
# Deletes one value of the registry; none there is fine.
$ErrorActionPreference = 'Stop'
if ([IntPtr]::Size -eq 4 -and $env:PROCESSOR_ARCHITEW6432) {
    throw 'This is a 32-bit PowerShell on 64-bit Windows; it would write the wrong part of the registry.'
}

$path = $Arguments.key -replace '^(HKLM|HKCU)\\', '$1:\'
if (-not (Test-Path -LiteralPath $path)) { return @{ removed = $false } }
if (-not (@((Get-Item -LiteralPath $path).GetValueNames()) -contains $Arguments.name)) { return @{ removed = $false } }
Remove-ItemProperty -LiteralPath $path -Name $Arguments.name -Force
@{ removed = $true }
