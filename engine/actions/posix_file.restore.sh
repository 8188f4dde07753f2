# Puts a backup back in the place of the file; without a backup, takes the file away that had not been there.
set -eu
if [ -n "$RB_BACKUP" ]; then
  cp -p -- "$RB_BACKUP" "$RB_PATH.runbook-new"
  mv -f -- "$RB_PATH.runbook-new" "$RB_PATH"
else
  rm -f -- "$RB_PATH"
fi
