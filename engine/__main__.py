"""Start the command line: ``python -m engine``, and the script ``runbook``.

Until the command line is loaded and listens to Ctrl-C, that ends the process as it ends any other, without a traceback.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from engine.cli.main import main  # after the line above, which is why it stands here

if __name__ == "__main__":
    main()
