"""imaplib, the IMAP client of Python's library: says what one tells it to say. Run by python-imaplib.test.ts."""

import imaplib
import os
import re
import ssl
import unittest

PASSWORD = os.environ['PASSWORD']
MESSAGE = b'From: <anna@office.test>\r\nSubject: Hello\r\n\r\nHello.\r\n'


def trusting():
    return ssl.create_default_context(cafile=os.environ['CA'])


class Session(unittest.TestCase):
    """A session that is signed in, and a folder of its own for each test."""

    def setUp(self):
        self.imap = imaplib.IMAP4_SSL('localhost', int(os.environ['IMAPS']), ssl_context=trusting())
        self.addCleanup(self.sign_out)
        self.ok(self.imap.login('anna@office.test', PASSWORD))
        self.folder = '"%s"' % self.id().rsplit('.', 1)[1]
        self.ok(self.imap.create(self.folder))
        self.ok(self.imap.select(self.folder))

    def sign_out(self):
        if self.imap.state != 'LOGOUT':
            self.assertEqual(self.imap.logout()[0], 'BYE')

    def ok(self, answer):
        status, data = answer
        self.assertEqual(status, 'OK', data)
        return data

    def fill(self, count, flags=None):
        for number in range(1, count + 1):
            message = b'From: <anna@office.test>\r\nSubject: Letter %d\r\n\r\nThis is letter %d.\r\n' % (number, number)
            self.ok(self.imap.append(self.folder, flags, None, message))
        self.ok(self.imap.noop())

    def uids(self, *criteria):
        return self.ok(self.imap.uid('SEARCH', *criteria))[0].split()


class SignIn(unittest.TestCase):
    def connect(self, secure):
        if secure == 'TLS':
            return imaplib.IMAP4_SSL('localhost', int(os.environ['IMAPS']), ssl_context=trusting())
        imap = imaplib.IMAP4('localhost', int(os.environ['IMAP']))
        if secure == 'STARTTLS':
            self.assertEqual(imap.starttls(trusting())[0], 'OK')
        return imap

    def by_login(self, imap):
        return imap.login('anna@office.test', PASSWORD)

    def by_plain(self, imap):
        return imap.authenticate('PLAIN', lambda _: ('\0anna@office.test\0' + PASSWORD).encode())

    def by_authenticate_login(self, imap):
        answers = iter([b'anna@office.test', PASSWORD.encode()])
        return imap.authenticate('LOGIN', lambda _: next(answers))

    def test_every_way(self):
        for secure in ['TLS', 'STARTTLS', 'none']:
            for way in [self.by_login, self.by_plain, self.by_authenticate_login]:
                imap = self.connect(secure)
                self.assertEqual(way(imap)[0], 'OK')
                self.assertEqual(imap.noop()[0], 'OK')
                self.assertEqual(imap.logout()[0], 'BYE')

    def test_a_wrong_password_is_refused_and_a_right_one_then_taken(self):
        imap = self.connect('TLS')
        with self.assertRaisesRegex(imaplib.IMAP4.error, 'AUTHENTICATIONFAILED'):
            imap.login('anna@office.test', 'wrong "quoted" \\ password')
        self.assertEqual(imap.login('anna@office.test', PASSWORD)[0], 'OK')
        self.assertEqual(imap.logout()[0], 'BYE')


class Mailboxes(Session):
    def test_names_of_every_kind(self):
        for name in ['"two words"', '"quotes \\" and \\\\"', '"Entw&APw-rfe"', '"A &- B"', '"&ZeVnLIqe-"', '"a.b"', '"#hash"', '"(x) {5}"']:
            self.ok(self.imap.create(name))
            self.ok(self.imap.append(name, '(\\Seen)', None, MESSAGE))
            self.assertEqual(self.ok(self.imap.select(name)), [b'1'])
            self.ok(self.imap.subscribe(name))
            listed = self.ok(self.imap.lsub('""', name))[0]
            self.assertTrue(listed.endswith(name.encode()) or listed.endswith(name.strip('"').encode()), listed)
            self.assertRegex(self.ok(self.imap.status(name, '(MESSAGES UIDNEXT UNSEEN)'))[0], rb'\(MESSAGES 1 UIDNEXT 2 UNSEEN 0\)')
            self.ok(self.imap.unsubscribe(name))
            self.ok(self.imap.close())
            self.ok(self.imap.rename(name, '"renamed"'))
            self.ok(self.imap.delete('"renamed"'))

    def test_levels_are_made_and_listed(self):
        self.ok(self.imap.create('"top/middle/leaf"'))
        listed = b'\n'.join(self.ok(self.imap.list('""', '"top*"')))
        self.assertRegex(listed, rb'HasChildren.*"/" "?top"?\n')
        self.assertIn(b'top/middle/leaf', listed)
        self.assertEqual(len(self.ok(self.imap.list('"top/"', '"%"'))), 1)
        self.assertEqual(self.ok(self.imap.list('""', '""')), [b'(\\Noselect) "/" ""'])

    def test_what_may_not_be_is_refused(self):
        for status, _ in [
            self.imap.delete('INBOX'),
            self.imap.create('INBOX'),
            self.imap.select('"no such"'),
            self.imap.status('"no such"', '(MESSAGES)'),
            self.imap.append('"no such"', None, None, MESSAGE),
        ]:
            self.assertEqual(status, 'NO')
        self.assertEqual(self.imap.noop()[0], 'OK')

    def test_namespace_and_capability(self):
        self.assertEqual(self.ok(self.imap.namespace()), [b'(("" "/")) NIL NIL'])
        self.assertIn('UIDPLUS', self.ok(self.imap.capability())[0].decode().split())
        self.ok(self.imap.unselect())
        self.ok(self.imap.enable('CONDSTORE'))
        self.ok(self.imap.xatom('ID', '("name" "imaplib")'))

    def test_a_mailbox_that_is_only_looked_at(self):
        self.fill(1)
        self.ok(self.imap.select(self.folder, readonly=True))
        self.assertTrue(self.imap.is_readonly)
        self.assertEqual(self.imap.store('1', '+FLAGS', '\\Seen')[0], 'NO')
        self.ok(self.imap.fetch('1', '(BODY[])'))
        self.assertEqual(self.uids('UNSEEN'), [b'1'])


class Messages(Session):
    def test_append_gives_every_byte_back(self):
        bodies = [bytes(range(1, 256)).replace(b'\n', b'').replace(b'\r', b''), b'x' * 100_000, b'', b'\r\n.\r\n', b'no line end']
        for body in bodies:
            message = b'Subject: bytes\r\n\r\n' + body
            self.ok(self.imap.append(self.folder, '(\\Flagged keyword)', '"29-Feb-2020 12:34:56 +0130"', message))
            self.assertRegex(self.imap.response('APPENDUID')[1][0], rb'^\d+ \d+$')
            data = self.ok(self.imap.uid('FETCH', '*', '(RFC822.SIZE FLAGS INTERNALDATE BODY.PEEK[])'))
            self.assertEqual(data[0][1], message)
            self.assertIn(b'RFC822.SIZE %d' % len(message), data[0][0] + data[1])
            # The same moment, in UTC.
            self.assertIn(b'"29-Feb-2020 11:04:56 +0000"', data[0][0] + data[1])

    def test_fetch_of_parts(self):
        self.ok(self.imap.append(self.folder, None, None, b'Subject: Parts\r\nX: y\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--b--\r\n'))
        for item, expected in [
            ('BODY.PEEK[1]', b'one'),
            ('BODY.PEEK[2]', b'<p>two'),
            ('BODY.PEEK[2.MIME]', b'Content-Type: text/html\r\n\r\n'),
            ('BODY.PEEK[HEADER.FIELDS (subject)]', b'Subject: Parts\r\n\r\n'),
            ('BODY.PEEK[HEADER.FIELDS.NOT (Subject Content-Type)]', b'X: y\r\n\r\n'),
            ('BODY.PEEK[]<9.5>', b'Parts'),
            ('BINARY.PEEK[1]', b'one'),
            ('RFC822.HEADER', b'Subject: Parts\r\nX: y\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'),
        ]:
            self.assertEqual(self.ok(self.imap.fetch('1', '(%s)' % item))[0][1], expected, item)
        for items in ['(UID ENVELOPE BODYSTRUCTURE BODY MODSEQ EMAILID THREADID)', 'ALL', 'FULL', 'FAST']:
            self.ok(self.imap.fetch('1', items))

    def test_flags(self):
        self.fill(4)
        data = self.ok(self.imap.store('1:2', '+FLAGS', '(\\Seen \\Flagged $Forwarded Own)'))
        self.assertEqual(len(data), 2)
        self.ok(self.imap.store('2', '-FLAGS.SILENT', '(Own \\Seen)'))
        self.ok(self.imap.store('3', 'FLAGS', '(\\Answered)'))
        self.assertEqual(self.uids('KEYWORD', 'own'), [b'1'])
        self.assertEqual(self.uids('UNSEEN', 'FLAGGED'), [b'2'])
        self.assertEqual(self.uids('ANSWERED'), [b'3'])
        self.assertEqual(self.uids('UNKEYWORD', '$Forwarded'), [b'3', b'4'])

    def test_search(self):
        self.fill(12)
        self.assertEqual(self.uids('SUBJECT', '"Letter 11"'), [b'11'])
        self.assertEqual(self.uids('CHARSET', 'UTF-8', 'BODY', '"letter 7."'), [b'7'])
        self.assertEqual(self.uids('OR', 'UID', '1', 'NOT', 'UID', '2:*'), [b'1'])
        self.assertEqual(self.uids('1:2,4', 'SMALLER', '10000'), [b'1', b'2', b'4'])
        self.imap.literal = 'This is letter 3.'.encode()
        self.assertEqual(self.ok(self.imap.search('UTF-8', 'BODY')), [b'3'])
        with self.assertRaises(imaplib.IMAP4.error):
            self.imap.search(None, 'NONSENSE')
        status, data = self.imap.search('X-NO-SUCH-CHARSET', 'SUBJECT', 'x')
        self.assertEqual((status, b'BADCHARSET' in data[0]), ('NO', True))

    def test_expunge_copy_and_move(self):
        self.fill(6)
        self.ok(self.imap.create('"Target"'))
        self.ok(self.imap.copy('1:2', '"Target"'))
        self.assertRegex(self.imap.response('COPYUID')[1][0], rb'^\d+ 1:2 1:2$')
        self.ok(self.imap.uid('MOVE', '3', '"Target"'))
        self.assertEqual(self.uids('ALL'), [b'1', b'2', b'4', b'5', b'6'])
        self.ok(self.imap.store('1:*', '+FLAGS.SILENT', '\\Deleted'))
        self.ok(self.imap.uid('EXPUNGE', '4:5'))
        self.assertEqual(self.uids('ALL'), [b'1', b'2', b'6'])
        self.ok(self.imap.expunge())
        self.assertEqual(self.uids('ALL'), [])
        self.assertEqual(self.ok(self.imap.select('"Target"')), [b'3'])
        self.ok(self.imap.store('2', '+FLAGS', '\\Deleted'))
        self.ok(self.imap.unselect())
        self.assertEqual(self.ok(self.imap.select('"Target"')), [b'3'])
        self.ok(self.imap.close())
        self.assertEqual(self.ok(self.imap.select('"Target"')), [b'2'])
        status, data = self.imap.copy('1', '"No such"')
        self.assertEqual((status, b'TRYCREATE' in data[0]), ('NO', True))

    def test_condstore(self):
        self.fill(3)
        before = int(re.search(rb'HIGHESTMODSEQ (\d+)', self.ok(self.imap.status(self.folder, '(HIGHESTMODSEQ)'))[0])[1])
        self.ok(self.imap.uid('STORE', '2', '+FLAGS', '\\Flagged'))
        changed = self.ok(self.imap.uid('FETCH', '1:*', '(FLAGS)', '(CHANGEDSINCE %d)' % before))
        self.assertEqual(len(changed), 1)
        self.assertRegex(changed[0], rb'UID 2 .*MODSEQ \(\d+\)')
        self.ok(self.imap.uid('STORE', '1:3', '(UNCHANGEDSINCE %d)' % before, '+FLAGS (\\Seen)'))
        self.assertEqual(self.uids('SEEN'), [b'1', b'3'])
        self.assertTrue(self.uids('MODSEQ', str(before + 1)))

    def test_idle_by_hand(self):
        self.fill(1)
        other = imaplib.IMAP4('localhost', int(os.environ['IMAP']))
        other.login('anna@office.test', PASSWORD)
        other.select(self.folder)
        tag = self.imap._new_tag()
        self.imap.send(tag + b' IDLE\r\n')
        self.assertTrue(self.imap.readline().startswith(b'+ '))
        other.append(self.folder, None, None, MESSAGE)
        self.assertEqual(self.imap.readline(), b'* 2 EXISTS\r\n')
        other.store('1', '+FLAGS', '\\Deleted')
        while not (line := self.imap.readline()).startswith(b'* 1 FETCH'):
            self.assertRegex(line, rb'^\* \d+ RECENT')
        self.assertIn(b'\\Deleted', line)
        other.expunge()
        self.assertEqual(self.imap.readline(), b'* 1 EXPUNGE\r\n')
        self.imap.send(b'DONE\r\n')
        self.assertTrue(self.imap.readline().startswith(tag + b' OK'))
        self.assertEqual(other.logout()[0], 'BYE')


if __name__ == '__main__':
    unittest.main(verbosity=2)
