"""What Python's mailbox module reads in a Maildir or an mbox: a line of JSON a message."""

import hashlib
import json
import mailbox
import sys

kind, path = sys.argv[1:]
if kind == "maildir":
    box = mailbox.Maildir(path, factory=None, create=False)
else:
    box = mailbox.mbox(path, create=False)
for key in sorted(box.keys()):
    message = box[key]
    print(json.dumps({
        "subject": str(message["Subject"]),
        "flags": message.get_flags(),
        "date": message.get_date() if kind == "maildir" else message.get_from(),
        "body": hashlib.sha256(box.get_bytes(key).partition(b"\n\n")[2]).hexdigest(),
    }))
