# Takes a file away by giving it the name of its backup.
set -eu
if [ -e "$RB_PATH" ]; then
  mv -f -- "$RB_PATH" "$RB_BACKUP"
fi
