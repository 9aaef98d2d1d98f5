"""Python's mail clients with a token in place of a password. Run by openid.test.ts."""

import base64
import imaplib
import os
import poplib
import smtplib
import ssl
import unittest

TOKEN, WRONG = os.environ['TOKEN'], os.environ['WRONG']


def trusting():
    return ssl.create_default_context(cafile=os.environ['CA'])


def xoauth2(token):
    return 'user=anna@office.test\x01auth=Bearer %s\x01\x01' % token


def oauthbearer(token):
    return 'n,a=anna@office.test,\x01host=localhost\x01auth=Bearer %s\x01\x01' % token


MECHANISMS = {'XOAUTH2': (xoauth2, ''), 'OAUTHBEARER': (oauthbearer, '\x01')}


class Answers:
    """The message first; to what the server says of a wrong token, next to nothing."""

    def __init__(self, mechanism, token):
        message, nothing = MECHANISMS[mechanism]
        self.left = [message(token), nothing]

    def __call__(self, challenge=None):
        return self.left.pop(0)


class Tokens(unittest.TestCase):
    def test_imaplib(self):
        for mechanism in MECHANISMS:
            with imaplib.IMAP4_SSL('localhost', int(os.environ['IMAPS']), ssl_context=trusting()) as imap:
                with self.assertRaisesRegex(imaplib.IMAP4.error, 'AUTHENTICATIONFAILED'):
                    imap.authenticate(mechanism, Answers(mechanism, WRONG))
                self.assertEqual(imap.authenticate(mechanism, Answers(mechanism, TOKEN))[0], 'OK')
                self.assertEqual(imap.select()[0], 'OK')

    def test_poplib(self):
        for mechanism, (message, nothing) in MECHANISMS.items():
            pop3 = poplib.POP3_SSL('localhost', int(os.environ['POP3S']), context=trusting())
            self.assertIn(mechanism, pop3.capa()['SASL'])
            encoded = [base64.b64encode(text.encode()).decode() for text in (message(WRONG), nothing, message(TOKEN))]
            pop3._putcmd('AUTH %s %s' % (mechanism, encoded[0]))
            self.assertTrue(pop3._getline()[0].startswith(b'+ '))
            with self.assertRaisesRegex(poplib.error_proto, 'AUTH'):
                pop3._shortcmd(encoded[1])
            self.assertTrue(pop3._shortcmd('AUTH %s %s' % (mechanism, encoded[2])).startswith(b'+OK'))
            self.assertEqual(pop3.stat()[0], 0)
            pop3.quit()

    def test_smtplib(self):
        for mechanism in MECHANISMS:
            with smtplib.SMTP('localhost', int(os.environ['SUBMISSION'])) as smtp:
                smtp.starttls(context=trusting())
                smtp.ehlo()
                with self.assertRaisesRegex(smtplib.SMTPAuthenticationError, '535'):
                    smtp.auth(mechanism, Answers(mechanism, WRONG))
                self.assertEqual(smtp.auth(mechanism, Answers(mechanism, TOKEN))[0], 235)


if __name__ == '__main__':
    unittest.main()
