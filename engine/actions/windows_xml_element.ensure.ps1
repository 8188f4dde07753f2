param($Arguments)
# Adds or completes one element by the XML object model. The file is replaced in one step, after the new text has
# been read back; the original stays beside it under the name of the backup.
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

$name = (Get-Item -LiteralPath $Arguments.file -Force).FullName
$bytes = [IO.File]::ReadAllBytes($name)
$digest = [BitConverter]::ToString((New-Sha256).ComputeHash($bytes)).Replace('-', '').ToLowerInvariant()
if ($digest -ne $Arguments.sha256) { throw ('The file ' + $Arguments.file + ' was changed by someone else in the meantime.') }

function Read-Document($content) {
    $settings = New-Object Xml.XmlReaderSettings
    $settings.ProhibitDtd = $true
    $settings.XmlResolver = $null
    $document = New-Object Xml.XmlDocument
    $document.XmlResolver = $null
    $document.PreserveWhitespace = $true
    $document.Load([Xml.XmlReader]::Create((New-Object IO.MemoryStream(, $content)), $settings))
    return , $document
}

function Get-FileEncoding($content, $document) {
    # The bytes are written back in the encoding they came in, with a mark only if they had one.
    if ($content.Length -ge 2 -and $content[0] -eq 0xFF -and $content[1] -eq 0xFE) { return (New-Object Text.UnicodeEncoding($false, $true)) }
    if ($content.Length -ge 2 -and $content[0] -eq 0xFE -and $content[1] -eq 0xFF) { return (New-Object Text.UnicodeEncoding($true, $true)) }
    $mark = $content.Length -ge 3 -and $content[0] -eq 0xEF -and $content[1] -eq 0xBB -and $content[2] -eq 0xBF
    $first = $document.get_FirstChild()
    $declared = ''
    if ($first.get_NodeType() -eq [Xml.XmlNodeType]::XmlDeclaration) { $declared = $first.get_Encoding() }
    if ($declared -eq '' -or $declared -eq 'utf-8') { return (New-Object Text.UTF8Encoding($mark)) }
    return [Text.Encoding]::GetEncoding($declared)
}

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

function Add-Child($document, $node, $want, $depth) {
    $namespace = $want.namespace
    if ($namespace -eq $null) { $namespace = $node.get_NamespaceURI() }
    $child = $document.CreateElement($want.name, $namespace)
    $indent = "`n" + ('  ' * $depth)
    $last = $node.get_LastChild()
    if ($last -ne $null -and ($last.get_NodeType() -eq [Xml.XmlNodeType]::Whitespace -or $last.get_NodeType() -eq [Xml.XmlNodeType]::SignificantWhitespace)) {
        $null = $node.InsertBefore($document.CreateWhitespace($indent), $last)
        $null = $node.InsertBefore($child, $last)
    } else {
        $null = $node.AppendChild($document.CreateWhitespace($indent))
        $null = $node.AppendChild($child)
        $null = $node.AppendChild($document.CreateWhitespace("`n" + ('  ' * ($depth - 1))))
    }
    return , $child
}

$document = Read-Document $bytes
$encoding = Get-FileEncoding $bytes $document
$node = $document
$depth = 0
foreach ($step in @($Arguments.parents)) {
    $child = Find-Child $node $step @()
    if ($child -eq $null) {
        if ($depth -eq 0) { throw ('The root element of ' + $Arguments.file + ' is not ' + $step.name + '.') }
        $child = Add-Child $document $node $step $depth
    }
    $node = $child
    $depth++
}
$element = Find-Child $node $Arguments.element @($Arguments.key)
if ($element -eq $null) { $element = Add-Child $document $node $Arguments.element $depth }
foreach ($key in @($Arguments.attributes.get_Keys())) { $element.SetAttribute($key, $Arguments.attributes[$key]) }

$settings = New-Object Xml.XmlWriterSettings
$settings.Encoding = $encoding
$settings.OmitXmlDeclaration = $document.get_FirstChild().get_NodeType() -ne [Xml.XmlNodeType]::XmlDeclaration
$settings.NewLineHandling = [Xml.NewLineHandling]::Replace
$settings.NewLineChars = "`n"
if ($encoding.GetString($bytes).Contains("`r`n")) { $settings.NewLineChars = "`r`n" }
$memory = New-Object IO.MemoryStream
$writer = [Xml.XmlWriter]::Create($memory, $settings)
$document.Save($writer)
$writer.Close()
$written = $memory.ToArray()
$null = Read-Document $written

$fresh = $name + '.runbook-new'
[IO.File]::WriteAllBytes($fresh, $written)
try { [IO.File]::Replace($fresh, $name, [IO.Path]::Combine([IO.Path]::GetDirectoryName($name), $Arguments.backup)) }
finally { if ([IO.File]::Exists($fresh)) { [IO.File]::Delete($fresh) } }
@{ backup = $Arguments.backup }
