param($Arguments)
# Makes a folder if it is not there yet.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$there = Test-Path -LiteralPath $Arguments.folder -PathType Container
if (-not $there) { $null = New-Item -Path $Arguments.folder -ItemType Directory -Force }
@{ made = (-not $there) }
