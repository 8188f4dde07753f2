param($Arguments)
# Writes one value of the registry; the key is created where it is missing.
$ErrorActionPreference = 'Stop'
if ([IntPtr]::Size -eq 4 -and $env:PROCESSOR_ARCHITEW6432) {
    throw 'This is a 32-bit PowerShell on 64-bit Windows; it would write the wrong part of the registry.'
}

function ConvertFrom-Hex($Text) {
    $bytes = New-Object byte[] ($Text.Length / 2)
    for ($i = 0; $i -lt $bytes.Length; $i++) { $bytes[$i] = [Convert]::ToByte($Text.Substring(2 * $i, 2), 16) }
    , $bytes
}

$path = $Arguments.key -replace '^(HKLM|HKCU)\\', '$1:\'
$value = $Arguments.value
# The provider takes signed numbers only; the bits are the same.
switch ($Arguments.kind) {
    'DWord' { $value = [BitConverter]::ToInt32([BitConverter]::GetBytes([uint32]$value), 0) }
    'QWord' { $value = [BitConverter]::ToInt64([BitConverter]::GetBytes([uint64]$value), 0) }
    'Binary' { $value = ConvertFrom-Hex $value }
    'MultiString' { $value = [string[]]@($value) }
}
# New-Item -Force empties a key that is there already.
if (-not (Test-Path -LiteralPath $path)) { New-Item -Path $path -Force | Out-Null }
New-ItemProperty -Path $path -Name $Arguments.name -PropertyType $Arguments.kind -Value $value -Force | Out-Null
@{ written = $true }
