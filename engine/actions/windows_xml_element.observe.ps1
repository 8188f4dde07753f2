param($Arguments)
# Reads an XML file and tells whether the element, its parent and its attributes are there.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function New-Sha256 {
    try { New-Object Security.Cryptography.SHA256Managed }
    catch {
        # Where only what is validated for FIPS 140 is allowed. PowerShell 2.0 does not load its assembly by itself.
        $null = [Reflection.Assembly]::Load('System.Core, Version=3.5.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089')
        New-Object Security.Cryptography.SHA256CryptoServiceProvider
    }
}

$answer = @{ found = $false; well_formed = $false; error = $null; sha256 = $null; root = $null; parent_found = $false; element_found = $false; attributes = @{} }
if (-not (Test-Path -LiteralPath $Arguments.file -PathType Leaf)) { return $answer }
$answer.found = $true
$name = (Get-Item -LiteralPath $Arguments.file -Force).FullName

$stream = New-Object IO.FileStream($name, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete')
try {
    $bytes = (New-Sha256).ComputeHash($stream)
    $answer.sha256 = [BitConverter]::ToString($bytes).Replace('-', '').ToLowerInvariant()
    $stream.Position = 0
    $settings = New-Object Xml.XmlReaderSettings
    $settings.ProhibitDtd = $true
    $settings.XmlResolver = $null
    $document = New-Object Xml.XmlDocument
    $document.XmlResolver = $null
    try { $document.Load([Xml.XmlReader]::Create($stream, $settings)) }
    catch {
        $answer.error = $_.Exception.GetBaseException().Message
        return $answer
    }
} finally { $stream.Close() }
$answer.well_formed = $true

function Find-Child($node, $want, $keys) {
    foreach ($child in @($node.get_ChildNodes())) {
        if ($child.get_NodeType() -ne [Xml.XmlNodeType]::Element -or $child.get_LocalName() -cne $want.name) { continue }
        if ($want.namespace -ne $null -and $child.get_NamespaceURI() -cne $want.namespace) { continue }
        $same = $true
        foreach ($key in @($keys)) {
            if ($key -ne $null -and $child.GetAttribute($key) -cne $Arguments.attributes[$key]) { $same = $false }
        }
        if ($same) { return , $child }
    }
}

$answer.root = $document.get_DocumentElement().get_LocalName()
$node = $document
foreach ($step in @($Arguments.parents)) {
    $node = Find-Child $node $step @()
    if ($node -eq $null) { return $answer }
}
$answer.parent_found = $true
$element = Find-Child $node $Arguments.element @($Arguments.key)
if ($element -eq $null) { return $answer }
$answer.element_found = $true
foreach ($attribute in @($element.get_Attributes())) {
    if ($attribute -ne $null -and $attribute.get_Prefix() -eq '' -and $attribute.get_LocalName() -cne 'xmlns') { $answer.attributes[$attribute.get_LocalName()] = $attribute.get_Value() }
}
$answer
