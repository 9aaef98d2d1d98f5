"""A mail program on poplib: it keeps account of the unique ids of what it has fetched. Run by programs.ts, in the program's home."""

import os
import pathlib
import poplib

account = pathlib.Path('account')
had = account.read_text().split() if account.exists() else []

pop = poplib.POP3('localhost', int(os.environ['PORT']))
pop.user(os.environ['ADDRESS'])
pop.pass_(os.environ['PASSWORD'])
for line in pop.uidl()[1]:
    number, unique = line.decode().split()
    if unique not in had:
        message = b''.join(line + b'\n' for line in pop.retr(number)[1])
        pathlib.Path('fetched', str(len(had))).write_bytes(message)
        had.append(unique)
        account.write_text('\n'.join(had))
    if os.environ['KEEP'] == 'false':
        pop.dele(number)
pop.quit()
