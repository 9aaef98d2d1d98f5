/** What the DNS says of a name: records, or for certain that there are none. */
import type { MxData, Answer as PacketAnswer, SrvData, TlsaData } from 'dns-packet';
import type { Milliseconds } from '../store/ids.ts';

/** Types that are asked for, with what a record of each holds. */
export interface RecordData {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly PTR: string;
  readonly MX: { readonly preference: number; readonly exchange: string };
  readonly SRV: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string };
  /** The strings of one record put together (RFC 7208 3.3). */
  readonly TXT: string;
  readonly TLSA: TlsaRecord;
}
export type RecordType = keyof RecordData;

/** RFC 6698 2.1 */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly data: Buffer;
}

/** `missing`: nobody has the name (NXDOMAIN); `records` empty without it: the name has none of this type. */
export interface DnsAnswer<Type extends RecordType = RecordType> {
  readonly records: readonly RecordData[Type][];
  readonly missing: boolean;
  /** A resolver that is trusted for it has checked the signatures (RFC 4035 3.2.3). */
  readonly authentic: boolean;
  /** How long it may be kept. */
  readonly ttl: Milliseconds;
}

/** The data of a record as it came, in the form it has here; undefined when it is not of this type. */
export function dataOf<Type extends RecordType>(answer: PacketAnswer, type: Type): RecordData[Type] | undefined {
  if (answer.type !== type) return undefined;
  return READ[type](answer.data as never) as RecordData[Type];
}

const READ: { readonly [Type in RecordType]: (data: never) => RecordData[Type] } = {
  A: (data: string) => data,
  AAAA: (data: string) => data,
  CNAME: nameOf,
  PTR: nameOf,
  MX: ({ preference = 0, exchange }: MxData) => ({ preference, exchange: nameOf(exchange) }),
  SRV: ({ priority = 0, weight = 0, port, target }: SrvData) => ({ priority, weight, port, target: nameOf(target) }),
  TXT: (data: string | Buffer | readonly (string | Buffer)[]) =>
    [data]
      .flat()
      .map((part) => part.toString('latin1' as never))
      .join(''),
  TLSA: ({ usage, selector, matchingType, certificate }: TlsaData) => ({
    usage,
    selector,
    matchingType,
    data: Buffer.from(certificate), // the packet around it shall not stay as long as this
  }),
};

/** Names are compared without case (RFC 4343), and written without the dot of the root; the root itself is empty. */
export function nameOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
