param($Arguments)
# Whether a computer takes a TCP connection on each port. Nothing is sent, and the connection is closed at once.
$ErrorActionPreference = 'Stop'

$ports = @()
foreach ($port in @($Arguments.ports)) {
    $answer = @{ port = [int]$port; open = $false; why = $null }
    $client = New-Object -TypeName Net.Sockets.TcpClient
    try {
        $pending = $client.BeginConnect([string]$Arguments.computer, [int]$port, $null, $null)
        if ($pending.AsyncWaitHandle.WaitOne([int]$Arguments.timeout_ms, $false)) {
            $client.EndConnect($pending)
            $answer.open = $true
        } else {
            $answer.why = 'TimedOut'
        }
    } catch {
        $cause = $_.Exception.GetBaseException()
        if (-not ($cause -is [Net.Sockets.SocketException])) { throw }
        $answer.why = $cause.SocketErrorCode.ToString()
    } finally { $client.Close() }
    $ports += $answer
}
@{ ports = $ports }
