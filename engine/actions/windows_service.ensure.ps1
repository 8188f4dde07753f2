param($Arguments)
# Gives one service the start mode and the state that are asked for, and waits for the state.
$ErrorActionPreference = 'Stop'
$name = $Arguments.name

function Get-Named {
    $found = Get-WmiObject -Class Win32_Service -Filter "Name='$name'"
    if ($found -eq $null) { throw "There is no service $name on this computer." }
    $found
}

# WMI has return values of its own; people and logs know the errors of the Service Control Manager.
function Get-ErrorCode($ReturnValue) {
    $known = @{ 2 = 5; 3 = 1051; 5 = 1061; 6 = 1062; 7 = 1053; 9 = 2; 10 = 1056; 11 = 1055; 13 = 1068; 14 = 1058; 15 = 1069; 16 = 1072 }
    $code = [int]$ReturnValue
    if ($known.ContainsKey($code)) { $known[$code] } else { [long](Get-Named).ExitCode }
}

function Get-Reason($Code) {
    $texts = @{
        2 = 'the file of the service was not found'
        5 = 'access is denied'
        1051 = 'other running services depend on it'
        1053 = 'the service did not respond in time'
        1058 = 'the service is disabled'
        1068 = 'a service that it depends on failed to start'
        1069 = 'the account of the service could not log on'
        14001 = 'its configuration file is not valid'
    }
    $text = $texts[[int]$Code]
    if ($text) { "error $Code, $text" } else { "error $Code" }
}

function Wait-State($Wanted, $Pending) {
    for ($waited = 0; ; $waited++) {
        $now = Get-Named
        if ($now.State -eq $Wanted) { return }
        if ($now.State -ne $Pending) { throw "The service $name ended as $($now.State): $(Get-Reason $now.ExitCode)." }
        if ($waited -ge $Arguments.timeout_s) { throw "The service $name is still $($now.State) after $($Arguments.timeout_s) s." }
        Start-Sleep -Seconds 1
    }
}

if ($Arguments.start_mode) {
    $code = (Get-Named).ChangeStartMode($Arguments.start_mode).ReturnValue
    if ($code -ne 0) { throw "The start mode of $name could not be set: $(Get-Reason (Get-ErrorCode $code))." }
}
if ($Arguments.state -eq 'running') {
    if ((Get-Named).State -eq 'Stopped') {
        $code = (Get-Named).StartService().ReturnValue
        if ($code -ne 0) { throw "The service $name did not start: $(Get-Reason (Get-ErrorCode $code))." }
    }
    Wait-State 'Running' 'Start Pending'
}
if ($Arguments.state -eq 'stopped') {
    if ((Get-Named).State -eq 'Start Pending') { Wait-State 'Running' 'Start Pending' }
    if ((Get-Named).State -eq 'Running') {
        $code = (Get-Named).StopService().ReturnValue
        if ($code -ne 0) { throw "The service $name did not stop: $(Get-Reason (Get-ErrorCode $code))." }
    }
    Wait-State 'Stopped' 'Stop Pending'
}
$end = Get-Named
@{ name = $end.Name; state = $end.State; start_mode = $end.StartMode }
