"""Types lines with Tab keys into an interactive shell on a terminal of its own. Prints, for each, the command that would have run."""
import os, pty, sys

shell, setup, *typed = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(shell, [shell, *(["--norc", "--noprofile"] if shell.endswith("bash") else ["-f"]), "-i"])

heard = b""


def until(wanted):
    global heard
    while wanted not in heard:
        heard += os.read(terminal, 4096)
    before, heard = heard.split(wanted, 1)
    return before


# The prompt is put together by the shell, so that its echo is not taken for it.
os.write(terminal, b"stty cols 500; PS1='ready-'1'> '; PROMPT_COMMAND=; . " + setup.encode() + b"\r")
until(b"ready-1> ")
for line in typed:
    os.write(terminal, line.replace("<Tab>", "\t").encode() + b"\r")
    until(b"RUN:")
    print(until(b":END").decode())
    until(b"ready-1> ")
os.write(terminal, b"exit\r")
os.waitpid(pid, 0)
