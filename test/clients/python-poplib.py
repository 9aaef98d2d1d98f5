"""poplib, the POP3 client of Python's library, and smtplib beside it. Run by python-poplib.test.ts."""

import os
import poplib
import smtplib
import ssl
import unittest

PASSWORD = os.environ['PASSWORD']


def trusting():
    return ssl.create_default_context(cafile=os.environ['CA'])


def connect(secure):
    if secure == 'TLS':
        return poplib.POP3_SSL('localhost', int(os.environ['POP3S']), context=trusting())
    pop = poplib.POP3('localhost', int(os.environ['POP3']))
    if secure == 'STLS':
        pop.stls(trusting())
    return pop


def sign_in(secure='TLS'):
    pop = connect(secure)
    pop.user('anna@office.test')
    pop.pass_(PASSWORD)
    return pop


def deliver(*bodies):
    with smtplib.LMTP('localhost', int(os.environ['LMTP'])) as lmtp:
        for body in bodies:
            lmtp.sendmail('x@example.org', ['anna@office.test'], b'Subject: Hello\r\n\r\n' + body)


class EmptyMaildrop(unittest.TestCase):
    def setUp(self):
        pop = sign_in()
        for number in range(1, pop.stat()[0] + 1):
            pop.dele(number)
        pop.quit()


class Maildrop(EmptyMaildrop):
    def test_every_way_to_sign_in(self):
        for secure in ['TLS', 'STLS', 'none']:
            pop = sign_in(secure)
            self.assertEqual(pop.stat(), (0, 0))
            self.assertTrue(pop.noop().startswith(b'+OK'))
            self.assertTrue(pop.quit().startswith(b'+OK'))

    def test_capabilities_are_announced(self):
        pop = connect('none')
        offered = pop.capa()
        self.assertTrue({'TOP', 'UIDL', 'STLS', 'PIPELINING', 'RESP-CODES', 'USER', 'SASL'} <= set(offered), offered)
        pop.quit()

    def test_a_wrong_password_is_refused(self):
        pop = connect('TLS')
        pop.user('anna@office.test')
        with self.assertRaisesRegex(poplib.error_proto, r'\[AUTH\]'):
            pop.pass_('wrong')
        pop.quit()

    def test_messages_come_whole_and_their_tops_in_part(self):
        bodies = [b'', b'.\r\n..\r\n', b'Gr\xfc\xdfe\r\n', b'one\r\ntwo\r\nthree\r\n', b'x' * 990 + b'\r\n']
        deliver(*bodies)
        pop = sign_in()
        count, total = pop.stat()
        self.assertEqual(count, len(bodies))
        sizes = [int(line.split()[1]) for line in pop.list()[1]]
        self.assertEqual(sum(sizes), total)
        for number, body in enumerate(bodies, 1):
            _, lines, _ = pop.retr(number)
            whole = b''.join(line + b'\r\n' for line in lines)
            self.assertEqual(len(whole), sizes[number - 1])
            self.assertTrue(whole.endswith(b'Subject: Hello\r\n\r\n' + body), whole)
        self.assertEqual(pop.top(4, 2)[1][-2:], [b'one', b'two'])
        self.assertEqual(pop.top(4, 0)[1][-1], b'')
        pop.quit()

    def test_deletes_are_done_at_quit_and_only_then(self):
        deliver(b'1\r\n', b'2\r\n', b'3\r\n')
        pop = sign_in()
        before = pop.uidl()[1]
        pop.dele(2)
        with self.assertRaises(poplib.error_proto):
            pop.retr(2)
        self.assertEqual([line.split()[0] for line in pop.uidl()[1]], [b'1', b'3'])
        pop.rset()
        self.assertEqual(pop.uidl()[1], before)
        pop.dele(1)
        pop.close()  # without QUIT
        pop = sign_in()
        self.assertEqual(pop.uidl()[1], before)
        pop.dele(1)
        pop.quit()
        pop = sign_in()
        self.assertEqual([line.split()[1] for line in pop.uidl()[1]], [line.split()[1] for line in before[1:]])
        self.assertEqual(pop.uidl(1).split()[2], before[1].split()[1])
        pop.quit()

    def test_a_session_keeps_its_list_while_mail_comes_in(self):
        deliver(b'1\r\n')
        pop = sign_in()
        deliver(b'2\r\n')
        self.assertEqual(pop.stat()[0], 1)
        with self.assertRaises(poplib.error_proto):
            pop.retr(2)
        pop.quit()
        pop = sign_in()
        self.assertEqual(pop.stat()[0], 2)
        pop.quit()


class Submission(EmptyMaildrop):
    def test_smtplib_submits(self):
        with smtplib.SMTP('localhost', int(os.environ['SUBMISSION'])) as smtp:
            smtp.starttls(context=trusting())
            smtp.login('anna@office.test', PASSWORD)
            smtp.sendmail('anna@office.test', ['anna@office.test'], b'Subject: Sent\r\n\r\nHello.\r\n')
            refused = smtp.sendmail('anna@office.test', ['anna@office.test', 'nobody@office.test'], b'Subject: Sent\r\n\r\n')
            self.assertEqual(refused['nobody@office.test'][0], 550)
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                smtp.sendmail('anna@office.test', ['x@example.org'], b'Subject: Sent\r\n\r\n')
        pop = sign_in()
        self.assertEqual(pop.stat()[0], 2)
        pop.quit()


if __name__ == '__main__':
    unittest.main(verbosity=2)
