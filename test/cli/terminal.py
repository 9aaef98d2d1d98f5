"""Runs a command on a terminal of its own, answers its questions in turn, and prints what the terminal showed, then the exit code."""
import os, pty, sys

answers, command = sys.argv[1].split("|"), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
while True:
    try:
        shown += os.read(terminal, 4096)
    except OSError:  # the command has ended
        break
    if answers and shown.endswith(b": "):
        os.write(terminal, answers.pop(0).replace("^C", "\x03").encode() + b"\r")
        shown += b"(asked)"
_, status = os.waitpid(pid, 0)
print(shown.decode(), os.waitstatus_to_exitcode(status))
