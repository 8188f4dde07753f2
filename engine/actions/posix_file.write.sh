# Replaces or creates a file in one step; what was there before is kept under the name of the backup.
set -eu
fresh="$RB_PATH.runbook-new"
trap 'rm -f -- "$fresh"' EXIT
if [ "$RB_KEEP_CONTENT" = yes ]; then
  cp -p -- "$RB_PATH" "$RB_BACKUP"
  chmod "$RB_MODE" "$RB_PATH"
  exit 0
fi
if [ -e "$RB_PATH" ]; then
  cp -p -- "$RB_PATH" "$RB_BACKUP"
  cp -p -- "$RB_PATH" "$fresh"
fi
printf %s "$RB_CONTENT" | base64 -d >"$fresh"
if [ -n "$RB_MODE" ]; then
  chmod "$RB_MODE" "$fresh"
fi
mv -f -- "$fresh" "$RB_PATH"
