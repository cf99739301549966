"""Start a server, tell its pid, and have it see this process killed."""

import os
import signal
import subprocess
import sys

PROGRAM = """
import os, signal
import hnsw_bridge
print(hnsw_bridge.stats()["server"]["pid"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
done = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=False)
assert done.returncode == -signal.SIGKILL
os.write(1, done.stdout)
