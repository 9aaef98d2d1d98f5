/** Signs a configuration profile, so that the device shows who made it and that nobody changed it: CMS SignedData (RFC 5652) around it. */
import { createHash, createPrivateKey, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';

/** What the server is known by. */
export interface Signer {
  /** The certificate with its chain, PEM. */
  readonly chain: Buffer;
  /** Its private key, PEM. Secret. */
  readonly key: Buffer;
}

/** How each kind of key signs, in the words of WebCrypto. */
const ALGORITHMS = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  prime256v1: { name: 'ECDSA', namedCurve: 'P-256' },
  secp384r1: { name: 'ECDSA', namedCurve: 'P-384' },
  secp521r1: { name: 'ECDSA', namedCurve: 'P-521' },
} as const;

/** Object identifiers of RFC 5652 11: what is signed besides the content. */
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_TIME = '1.2.840.113549.1.9.5';

/**
 * The profile as a device takes it, in DER, with the certificates that it is checked by.
 * @returns null when the server's key is of a kind that can't sign it (Ed25519)
 */
export async function signProfile(profile: string, { chain, key }: Signer, now = new Date()): Promise<Buffer | null> {
  const signingKey = await signingKeyOf(createPrivateKey(key));
  if (signingKey === null) return null;
  const [pkijs, asn1js] = await Promise.all([import('pkijs'), import('asn1js')]); // large, and seldom used
  const content = Buffer.from(profile);
  const attribute = (type: string, value: unknown) => new pkijs.Attribute({ type, values: [value] });
  const digest = createHash('sha256').update(content).digest();
  const certificates = certificatesIn(chain).map((der) => pkijs.Certificate.fromBER(der));
  const { issuer, serialNumber } = certificates[0]!;
  const signed = new pkijs.SignedData({
    version: 1,
    encapContentInfo: new pkijs.EncapsulatedContentInfo({
      eContentType: pkijs.ContentInfo.DATA,
      eContent: new asn1js.OctetString({ valueHex: content }),
    }),
    signerInfos: [
      new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({ issuer, serialNumber }),
        signedAttrs: new pkijs.SignedAndUnsignedAttributes({
          type: 0, // signed
          attributes: [
            attribute(CONTENT_TYPE, new asn1js.ObjectIdentifier({ value: pkijs.ContentInfo.DATA })),
            attribute(SIGNING_TIME, new asn1js.UTCTime({ valueDate: now })),
            attribute(MESSAGE_DIGEST, new asn1js.OctetString({ valueHex: digest })),
          ],
        }),
      }),
    ],
    certificates,
  });
  await signed.sign(signingKey, 0, 'SHA-256');
  const message = new pkijs.ContentInfo({
    contentType: pkijs.ContentInfo.SIGNED_DATA,
    content: signed.toSchema(true),
  });
  return Buffer.from(message.toSchema().toBER());
}

async function signingKeyOf(key: KeyObject): Promise<webcrypto.CryptoKey | null> {
  const kind = key.asymmetricKeyType === 'rsa' ? 'rsa' : (key.asymmetricKeyDetails?.namedCurve ?? '');
  const algorithm = Object.entries(ALGORITHMS).find(([name]) => name === kind)?.[1];
  if (algorithm === undefined) return null;
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}

function certificatesIn(chain: Buffer): Buffer[] {
  const pems = chain.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return pems.map((pem) => new X509Certificate(pem).raw);
}
